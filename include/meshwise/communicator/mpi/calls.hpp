// mpi_calls: what the collectives of a process have in common, and those that go on while it computes.
// Guarantees: a call is counted, timed and, if it ends by an exception, withdrawn, so that nothing writes to memory that
// is gone.
// Costs: two looks at the clock per call.
#pragma once

#include <exception>

#include <meshwise/communicator/mpi/started.hpp>

namespace meshwise {

class mpi_calls : public communicator {
public:
    explicit mpi_calls(mpi_team& team)
        : communicator(team.mesh(), team.rank()),
          team_(team),
          big_axes_(mesh().without_ones(mesh().every_axis())),
          meeting_(team),
          started_(team, meeting_) {}

    std::unique_ptr<started> start_all_reduce(
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

    void fail(std::string_view reason) noexcept override {
        team_.fail(mpi_team::breach::peer_failed, rank(), reason);
    }

protected:
    /// Whoever still holds one of them will find it done.
    void finish_started() {
        if (started_.left() != 0) team_.wait(started_, true);
    }

    /// One that was started, with the time this rank spends on it.
    class under_way final : public started {
    public:
        under_way(mpi_calls& self, call made, void const* in, void* out)
            : self_(self),
              exceptions_(std::uncaught_exceptions()),
              start_(clock::now()) {
            self_.count_collective(made);
            made.common = self_.common();
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
        mpi_calls& self_;
        int exceptions_;
        clock::time_point start_;
        std::unique_ptr<mpi_started::sum> sum_;
    };

    /// One collective of this rank, with its time.
    class visit {
    public:
        visit(mpi_calls& self, call made) : self_(self), start_(clock::now()) {
            self_.count_collective(made);
            made.common = self_.common();
            self_.meeting_.begin(made);
        }
        visit(visit const&) = delete;
        visit& operator=(visit const&) = delete;
        ~visit() {
            if (!ended_) self_.meeting_.give_up();
        }
        void end() {
            ended_ = true;
            self_.meeting_.end();
            self_.add_time(clock::now() - start_, self_.team_.take_waiting());
        }

    private:
        mpi_calls& self_;
        clock::time_point start_;
        bool ended_ = false;
    };

    bool alone(mesh_mask mask) const {
        mesh().check(mask);
        return (mask & big_axes_) == 0;
    }

    mpi_team& team_;
    mesh_mask big_axes_;
    mpi_meeting meeting_;

private:
    mpi_started started_;
};

}  // namespace meshwise
