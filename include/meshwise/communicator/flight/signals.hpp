// signals: writes the records of calls when the process gets SIGUSR1, or SIGTERM, after which it ends as without this
// class.
// Guarantees: the handler only writes one byte into a pipe. A thread of its own does the rest, so it works whatever the
// ranks do, even if they hang. A handler that was installed before is called, too (MPICH has one for SIGUSR1); one for
// SIGTERM is called after the records have been written.
// Costs: a thread that sleeps. If one process has several runs at the same time, only the first gets the signals.
#pragma once

#include <atomic>
#include <cerrno>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <meshwise/communicator/start_thread.hpp>

namespace meshwise::flight {

class signals {
public:
    /// `write` is called by another thread while the ranks go on.
    explicit signals(std::function<void()> write) : write_(std::move(write)) {
        static int const made = ::pipe(ends());  // stays open: a handler may be about to write into it
        if (made != 0 || taken().exchange(true)) return;
        mine_ = true;
        ::fcntl(ends()[0], F_SETFD, FD_CLOEXEC), ::fcntl(ends()[1], F_SETFD, FD_CLOEXEC);
        sigset_t all, before;  // signals are for the program's own threads
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread_ = detail::start_thread("signals", [&] { return std::thread([this] { watch(); }); });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        for (caught* const one : {&usr1_, &term_}) one->install();
    }
    signals(signals const&) = delete;
    signals& operator=(signals const&) = delete;
    ~signals() {
        if (!mine_) return;
        for (caught* const one : {&usr1_, &term_}) one->restore();
        send(0);
        thread_.join();
        taken() = false;
    }

private:
    struct caught {
        int number;
        bool installed = false;

        void install() {
            struct sigaction& before = before_us(number);
            ::sigaction(number, nullptr, &before);
            if ((before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_IGN) return;
            struct sigaction ours{};
            ours.sa_sigaction = handle;
            ours.sa_flags = SA_RESTART | SA_SIGINFO;
            sigemptyset(&ours.sa_mask);
            installed = ::sigaction(number, &ours, nullptr) == 0;
        }
        void restore() {
            if (installed) ::sigaction(number, &before_us(number), nullptr);
            installed = false;
        }
    };

    /// The handler that was there before ours; written before ours is installed, as a handler needs it.
    static struct sigaction& before_us(int number) {
        static struct sigaction of_usr1, of_term;
        return number == SIGTERM ? of_term : of_usr1;
    }
    static void handle(int number, siginfo_t* about, void* where) {
        send(static_cast<unsigned char>(number));
        if (number == SIGTERM) return;  // `watch` sends it again
        struct sigaction const& before = before_us(number);
        if ((before.sa_flags & SA_SIGINFO) != 0)
            before.sa_sigaction(number, about, where);
        else if (before.sa_handler != SIG_DFL)
            before.sa_handler(number);
    }

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
    caught usr1_{SIGUSR1}, term_{SIGTERM};
    std::thread thread_;
};

}  // namespace meshwise::flight
