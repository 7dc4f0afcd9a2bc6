// control: the short notes that ranks send each other beside the data: failures, and which rank waits for which.
// Guarantees: sending never waits; notes of an earlier run are dropped.
// Costs: one probe of the library's queue per poll.
#pragma once

#include <cstring>
#include <list>
#include <optional>

#include <meshwise/communicator/mpi/rank_map.hpp>

namespace meshwise::mpi_detail {

/// One note. Its kind decides which fields are used.
struct control_note {
    enum class kind : std::uint32_t {
        failed,  // `origin` has failed: `text` is the reason, `breach` its kind
        heard,   // the sender knows of the failure and has unwound
        probe,   // the sender sleeps in collective `sequence` along `mask` and waits for the receiver
        answer,  // the sender sleeps, too: `text` says where, `lacks` for which ranks
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
    std::size_t bytes() const { return offsetof(control_note, text) + length; }
};

class control {
public:
    control(address const& here, session& library, std::uint32_t run)
        : here_(here),
          library_(library),
          run_(run) {}
    control(control const&) = delete;
    control& operator=(control const&) = delete;
    /// Notes that have not been received yet are leaked: the library may still read them.
    ~control() {
        flush(std::chrono::milliseconds(100));
        outgoing_.remove_if([](envelope const& sent) { return sent.request == MPI_REQUEST_NULL; });
        if (!outgoing_.empty()) new std::list<envelope>(std::move(outgoing_));
    }

    void send(control_note const& words, std::size_t to) {
        auto const turn = session::turn();
        outgoing_.remove_if([](envelope& sent) {
            int done = 0;
            return MPI_Test(&sent.request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && done != 0;
        });
        envelope& made = outgoing_.emplace_back(envelope{words, MPI_REQUEST_NULL});
        made.content.run = run_;
        made.content.from = static_cast<std::uint32_t>(here_.rank());
        session::check(MPI_Isend(&made.content, static_cast<int>(made.content.bytes()), MPI_BYTE,
                                 here_.process_of(to), here_.thread_of(to), library_.control(),
                                 &made.request),
                       "MPI_Isend");
    }

    /// Calls f(note) for every note that has come.
    template <class F>
    void poll(F&& f) {
        while (auto const incoming = receive())
            if (incoming->run == run_) f(*incoming);
    }

    /// Waits until all notes have been sent, at most this long.
    void flush(std::chrono::milliseconds longest) noexcept {
        auto const end = std::chrono::steady_clock::now() + longest;
        for (auto& sent : outgoing_)
            for (int done = 0; done == 0 && std::chrono::steady_clock::now() < end;) {
                auto const turn = session::turn();
                if (MPI_Test(&sent.request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return;
            }
    }

private:
    // what has come already; f may send, so the turn ends before
    std::optional<control_note> receive() {
        std::optional<control_note> incoming;
        auto const turn = session::turn_at_once();
        if (!turn) return incoming;
        int const tag = here_.thread_of(here_.rank());
        int there = 0;
        MPI_Status status;
        session::check(MPI_Iprobe(MPI_ANY_SOURCE, tag, library_.control(), &there, &status), "MPI_Iprobe");
        if (there != 0)
            session::check(MPI_Recv(&incoming.emplace(), sizeof(control_note), MPI_BYTE, status.MPI_SOURCE,
                                    tag, library_.control(), MPI_STATUS_IGNORE),
                           "MPI_Recv");
        return incoming;
    }

    struct envelope {
        control_note content;
        MPI_Request request;
    };

    address const& here_;
    session& library_;
    std::uint32_t run_;
    std::list<envelope> outgoing_;
};

}  // namespace meshwise::mpi_detail
