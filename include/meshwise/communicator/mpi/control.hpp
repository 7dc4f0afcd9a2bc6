// mpi_control: the short notes that ranks send each other beside the data: who failed, who waits for whom.
// Guarantees: sending never waits; notes of an earlier run are dropped.
// Costs: one look into the library's queue when a rank polls.
#pragma once

#include <cstring>
#include <list>

#include <meshwise/communicator/mpi/places.hpp>

namespace meshwise {

/// One note. Which fields mean something depends on its kind.
struct mpi_note {
    enum class kind : std::uint32_t {
        failed,  // `origin` has failed: `text` is the reason, `breach` its sort
        heard,   // the sender knows and has unwound
        probe,   // the sender sleeps in collective `sequence` along `mask` and waits for the receiver
        answer,  // the sender sleeps, too: `text` says where, `lacks` for whom
    };
    static constexpr std::size_t most_text = 4000, most_lacks = 32;

    kind what = kind::failed;
    std::uint32_t run = 0;
    std::uint32_t from = 0, origin = 0;
    std::uint32_t breach = 0;
    std::uint32_t mask = 0;
    std::uint64_t sequence = 0;
    std::uint64_t wait = 0, round = 0;  // which wait of `origin` a probe belongs to
    std::uint32_t lacking = 0;
    std::uint32_t lacks[most_lacks] = {};
    std::uint32_t length = 0;
    char text[most_text] = {};

    std::string_view reason() const { return {text, length}; }
    void say(std::string_view words) { length = static_cast<std::uint32_t>(words.copy(text, most_text)); }
    std::size_t bytes() const { return offsetof(mpi_note, text) + length; }
};

class mpi_control {
public:
    mpi_control(mpi_address const& here, mpi_session& session, std::uint32_t run)
        : here_(here),
          session_(session),
          run_(run) {}
    mpi_control(mpi_control const&) = delete;
    mpi_control& operator=(mpi_control const&) = delete;
    /// A note that nobody has taken yet is left to the library for good.
    ~mpi_control() {
        flush(std::chrono::milliseconds(100));
        outgoing_.remove_if([](envelope const& sent) { return sent.request == MPI_REQUEST_NULL; });
        if (!outgoing_.empty()) new std::list<envelope>(std::move(outgoing_));
    }

    void send(mpi_note const& words, std::size_t to) {
        outgoing_.remove_if([](envelope& sent) {
            int done = 0;
            return MPI_Test(&sent.request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && done != 0;
        });
        envelope& made = outgoing_.emplace_back(envelope{words, MPI_REQUEST_NULL});
        made.content.run = run_;
        made.content.from = static_cast<std::uint32_t>(here_.rank());
        mpi_session::check(MPI_Isend(&made.content, static_cast<int>(made.content.bytes()), MPI_BYTE,
                                     here_.process_of(to), here_.thread_of(to), session_.control(),
                                     &made.request),
                           "MPI_Isend");
    }

    /// Calls f(note) for every note that has come.
    template <class F>
    void poll(F&& f) {
        int const tag = here_.thread_of(here_.rank());
        for (;;) {
            int there = 0;
            MPI_Status status;
            mpi_session::check(MPI_Iprobe(MPI_ANY_SOURCE, tag, session_.control(), &there, &status),
                               "MPI_Iprobe");
            if (there == 0) return;
            mpi_note incoming;
            mpi_session::check(MPI_Recv(&incoming, sizeof incoming, MPI_BYTE, status.MPI_SOURCE, tag,
                                        session_.control(), MPI_STATUS_IGNORE),
                               "MPI_Recv");
            if (incoming.run == run_) f(incoming);
        }
    }

    /// Waits until all that was sent has left, but not for long.
    void flush(std::chrono::milliseconds longest) noexcept {
        auto const end = std::chrono::steady_clock::now() + longest;
        for (auto& sent : outgoing_)
            for (int done = 0; done == 0 && std::chrono::steady_clock::now() < end;)
                if (MPI_Test(&sent.request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return;
    }

private:
    struct envelope {
        mpi_note content;
        MPI_Request request;
    };

    mpi_address const& here_;
    mpi_session& session_;
    std::uint32_t run_;
    std::list<envelope> outgoing_;
};

}  // namespace meshwise
