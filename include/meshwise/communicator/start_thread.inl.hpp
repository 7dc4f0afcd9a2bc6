// Bodies of start_thread.hpp: see core/compiled.hpp.
#pragma once

#include <cstdio>
#include <cstdlib>

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <meshwise/communicator/start_thread.hpp>
#include <meshwise/core/error.hpp>
#include <meshwise/messages/sentence.hpp>

namespace meshwise::detail {

/// The first bytes of a small file of the system; empty where there is none.
MESHWISE_BODY std::string text_of_system(std::string const& path) {
    std::string text(4096, '\0');
    std::FILE* const file = std::fopen(path.c_str(), "r");
    text.resize(file == nullptr ? 0 : std::fread(text.data(), 1, text.size(), file));
    if (file != nullptr) std::fclose(file);
    return text;
}

/// The whole number at the beginning of a text; 0 where there is none, as in the word "max".
MESHWISE_BODY unsigned long number_in(std::string const& text) {
    return std::strtoul(text.c_str(), nullptr, 10);
}

/// How many threads the processes of a user have, as far as they can be seen.
MESHWISE_BODY unsigned long threads_of_user(uid_t user) {
    unsigned long all = 0;
    DIR* const processes = ::opendir("/proc");
    if (processes == nullptr) return 0;
    while (dirent const* const entry = ::readdir(processes)) {
        std::string const path = sentence({"/proc/", entry->d_name});
        struct stat seen{};
        if (number_in(entry->d_name) == 0 || ::stat(path.c_str(), &seen) != 0 || seen.st_uid != user)
            continue;
        std::string const status = text_of_system(path + "/status");
        if (auto const at = status.find("\nThreads:"); at != status.npos)
            all += number_in(status.substr(at + 9));
    }
    ::closedir(processes);
    return all;
}

/// What limits the threads of the cgroup of this process, if that is reached.
MESHWISE_BODY std::string limit_of_cgroup() {
    std::string const groups = text_of_system("/proc/self/cgroup");
    for (std::string const kind : {"0::", ":pids:"}) {  // the second and the first version
        auto const at = groups.find(kind);
        if (at == groups.npos) continue;
        std::string path = groups.substr(at + kind.size(), groups.find('\n', at) - at - kind.size());
        for (;; path.resize(path.rfind('/'))) {
            if (path == "/") path.clear();
            std::string const folder = (kind == "0::" ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids") + path;
            unsigned long const most = number_in(text_of_system(folder + "/pids.max"));
            if (most != 0 && number_in(text_of_system(folder + "/pids.current")) >= most)
                return sentence({"its cgroup may have ", most, " threads and processes (", folder,
                                 "/pids.max), and has them"});
            if (path.empty()) break;
        }
    }
    return "";
}

MESHWISE_BODY std::string limit_of_threads() {
    if (std::string reached = limit_of_cgroup(); !reached.empty()) return reached;
    rlimit processes{}, memory{}, stack{};
    ::getrlimit(RLIMIT_NPROC, &processes);
    ::getrlimit(RLIMIT_AS, &memory);
    ::getrlimit(RLIMIT_STACK, &stack);
    bool const counted = processes.rlim_cur != RLIM_INFINITY && ::geteuid() != 0;  // root has no such limit
    if (counted && threads_of_user(::getuid()) >= processes.rlim_cur)
        return sentence(
            {"its user may have ", processes.rlim_cur, " threads and processes (ulimit -u), and has them"});
    if (memory.rlim_cur != RLIM_INFINITY)
        return sentence({"it may have ", memory.rlim_cur >> 20U,
                         " MiB of address space (ulimit -v), and a thread takes ",
                         (stack.rlim_cur == RLIM_INFINITY ? std::string("some")
                                                          : std::to_string(stack.rlim_cur >> 20U) + " MiB"),
                         " for its stack (ulimit -s)"});
    return sentence(
        {"memory is short, or a limit is reached: ",
         (counted ? "ulimit -u, which is " + std::to_string(processes.rlim_cur) + ", " : std::string()),
         "pids.max of a cgroup, kernel.threads-max or vm.max_map_count of the machine"});
}

MESHWISE_BODY void refuse_thread(std::string_view what_for, std::string_view reason) {
    throw_error({"this process could not start a thread for ", what_for, " (", reason,
                 "): ", limit_of_threads(), "; raise the limit, or run fewer ranks and workers"});
}

}  // namespace meshwise::detail
