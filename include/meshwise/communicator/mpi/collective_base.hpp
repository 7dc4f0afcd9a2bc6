// collective_base: what all collectives between processes have in common, and requests, which go on while a rank
// computes.
// Guarantees: a call is counted and timed. If it ends by an exception, its transfers are cancelled, so that no
// transfer writes to freed memory.
// Costs: the clock is read twice per call.
#pragma once

#include <exception>

#include <meshwise/communicator/mpi/async_all_reduce.hpp>

namespace meshwise::mpi_detail {

class collective_base : public communicator {
public:
    explicit collective_base(team& whole)
        : communicator(whole.mesh(), whole.rank()),
          team_(whole),
          big_axes_(mesh().without_ones(mesh().every_axis())),
          rendezvous_(whole),
          started_(whole, rendezvous_) {}

    std::unique_ptr<request> start_all_reduce(
        mesh_mask mask, reduction how, element_type type, void const* in, void* out, std::size_t count,
        std::source_location where = std::source_location::current()) override {
        if (alone(mask)) return communicator::start_all_reduce(mask, how, type, in, out, count, where);
        return std::make_unique<under_way>(
            *this, call{operation::all_reduce, how, type, mask & big_axes_, 1, count, 0, 0, where}, in, out);
    }
    void progress() override {
        if (started_.left() == 0) return;
        auto const begin = clock::now();
        team_.guarded([&] { started_.progress(); });
        add_time(clock::now() - begin, {});
    }
    std::size_t bucket_bytes(mesh_mask mask) override {
        return alone(mask) ? 0 : team_.policy().gradient_bucket;
    }

    void fail(std::string_view reason) noexcept override { team_.fail(breach::peer_failed, rank(), reason); }

protected:
    using clock = team::clock;

    /// Completes all requests. Their owners then find them done.
    void finish_started() {
        if (started_.left() != 0) team_.wait(started_, true);
    }

    /// A request, with the time this rank spends on it.
    class under_way final : public request {
    public:
        under_way(collective_base& self, call made, void const* in, void* out)
            : self_(self),
              exceptions_(std::uncaught_exceptions()),
              start_(clock::now()) {
            self_.count_collective(made);
            self_.add_common(made);
            made.started = true;
            sum_ = self_.started_.start(made, in, out);
            self_.add_time(clock::now() - start_, {});
        }
        under_way(under_way const&) = delete;
        under_way& operator=(under_way const&) = delete;
        ~under_way() override {
            if (std::uncaught_exceptions() == exceptions_) try {
                    finish();
                } catch (...) {}  // the next call throws it again
            if (!sum_->done()) self_.started_.give_up();
        }
        void finish() override {
            if (sum_->done()) return;
            auto const begin = clock::now();
            self_.started_.finish(*sum_);
            self_.add_time(clock::now() - begin, self_.team_.take_waiting());
        }

    private:
        collective_base& self_;
        int exceptions_;
        clock::time_point start_;
        std::unique_ptr<async_all_reduce::sum> sum_;
    };

    /// One collective of this rank, with its time.
    class visit {
    public:
        visit(collective_base& self, call made) : self_(self), start_(clock::now()) {
            self_.count_collective(made);
            self_.add_common(made);
            self_.rendezvous_.begin(made);
        }
        visit(visit const&) = delete;
        visit& operator=(visit const&) = delete;
        ~visit() {
            if (!ended_) self_.rendezvous_.give_up();
        }
        void end() {
            ended_ = true;
            self_.rendezvous_.end();
            self_.add_time(clock::now() - start_, self_.team_.take_waiting());
        }

    private:
        collective_base& self_;
        clock::time_point start_;
        bool ended_ = false;
    };

    bool alone(mesh_mask mask) const {
        mesh().check(mask);
        return (mask & big_axes_) == 0;
    }

    team& team_;
    mesh_mask big_axes_;
    rendezvous rendezvous_;

private:
    async_all_reduce started_;
};

}  // namespace meshwise::mpi_detail
