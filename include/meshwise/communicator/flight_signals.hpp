// flight_signals: has the records of calls written when the process gets SIGUSR1, or SIGTERM, after which it ends as it
// would have ended without.
// Guarantees: the handler only writes one byte into a pipe; a thread of its own does the rest, so the ranks may be at any
// work, or hang. Handlers that the program has set for SIGUSR1 itself stay; one for SIGTERM is called after the writing.
// Costs: a thread that sleeps. Of several runs at once in one process the first has the signals.
#pragma once

#include <atomic>
#include <cerrno>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace meshwise {

class flight_signals {
public:
    /// `write` is called by another thread while the ranks go on.
    explicit flight_signals(std::function<void()> write) : write_(std::move(write)) {
        static int const made = ::pipe(ends());  // stays open: a handler may be about to write into it
        if (made != 0 || taken().exchange(true)) return;
        mine_ = true;
        ::fcntl(ends()[0], F_SETFD, FD_CLOEXEC), ::fcntl(ends()[1], F_SETFD, FD_CLOEXEC);
        sigset_t all, before;  // signals are for the program's own threads
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread_ = std::thread([this] { watch(); });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        for (caught* const one : {&usr1_, &term_}) one->install();
    }
    flight_signals(flight_signals const&) = delete;
    flight_signals& operator=(flight_signals const&) = delete;
    ~flight_signals() {
        if (!mine_) return;
        for (caught* const one : {&usr1_, &term_}) one->restore();
        send(0);
        thread_.join();
        taken() = false;
    }

private:
    struct caught {
        int number;
        bool others_stay;  // a handler of the program
        struct sigaction before {};
        bool installed = false;

        void install() {
            struct sigaction ours {};
            ours.sa_handler = [](int signal) { send(static_cast<unsigned char>(signal)); };
            ours.sa_flags = SA_RESTART;
            sigemptyset(&ours.sa_mask);
            ::sigaction(number, nullptr, &before);
            bool const free = (before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_DFL;
            bool const ignored = (before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_IGN;
            if (ignored || (others_stay && !free)) return;
            installed = ::sigaction(number, &ours, nullptr) == 0;
        }
        void restore() {
            if (installed) ::sigaction(number, &before, nullptr);
            installed = false;
        }
    };

    static int* ends() {
        static int both[2] = {-1, -1};
        return both;
    }
    static std::atomic<bool>& taken() {
        static std::atomic<bool> now{false};
        return now;
    }
    static void send(unsigned char word) noexcept {
        int const before = errno;
        [[maybe_unused]] auto const written = ::write(ends()[1], &word, 1);
        errno = before;
    }

    void watch() {
        for (unsigned char word = 0;;) {
            ssize_t const got = ::read(ends()[0], &word, 1);
            if (got < 0 && errno == EINTR) continue;
            if (got != 1 || word == 0) return;
            write_();
            if (word != SIGTERM) continue;
            term_.restore();
            ::kill(::getpid(), SIGTERM);
        }
    }

    std::function<void()> write_;
    bool mine_ = false;
    caught usr1_{SIGUSR1, true}, term_{SIGTERM, false};
    std::thread thread_;
};

}  // namespace meshwise
