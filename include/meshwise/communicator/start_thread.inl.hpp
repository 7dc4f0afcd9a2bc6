// Bodies of start_thread.hpp: see core/compiled.hpp.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <meshwise/communicator/start_thread.hpp>
#include <meshwise/core/error.hpp>
#include <meshwise/messages/sentence.hpp>

namespace meshwise::detail {

/// The first bytes of a small file of the system; empty where there is none.
[[gnu::cold, gnu::noinline]] MESHWISE_BODY std::string text_of_system(std::string const& path) {
    std::string text(4096, '\0');
    std::FILE* const file = std::fopen(path.c_str(), "r");
    text.resize(file == nullptr ? 0 : std::fread(text.data(), 1, text.size(), file));
    if (file != nullptr) std::fclose(file);
    return text;
}

/// The whole number at the beginning of a text; 0 where there is none, as in the word "max".
[[gnu::cold]] MESHWISE_BODY unsigned long number_in(char const* text) {
    return std::strtoul(text, nullptr, 10);
}

/// How many threads the processes of a user have, as far as they can be seen.
[[gnu::cold]] MESHWISE_BODY unsigned long threads_of_user(uid_t user) {
    unsigned long all = 0;
    DIR* const processes = ::opendir("/proc");
    if (processes == nullptr) return 0;
    while (dirent const* const entry = ::readdir(processes)) {
        std::string const path = sentence({"/proc/", entry->d_name});
        struct stat seen{};
        if (number_in(entry->d_name) == 0 || ::stat(path.c_str(), &seen) != 0 || seen.st_uid != user)
            continue;
        std::string const status = text_of_system(sentence({path, "/status"}));
        char const* const at = std::strstr(status.c_str(), "\nThreads:");
        if (at != nullptr) all += number_in(at + 9);
    }
    ::closedir(processes);
    return all;
}

/// The number in a file of a cgroup.
[[gnu::cold, gnu::noinline]] MESHWISE_BODY unsigned long number_of_cgroup(char const* root,
                                                                          std::string const& path,
                                                                          char const* file) {
    return number_in(text_of_system(sentence({root, path, file})).c_str());
}

/// What limits the threads of the cgroup of this process, if that is reached.
[[gnu::cold]] MESHWISE_BODY std::string limit_of_cgroup() {
    struct version {
        char const *line, *root;
    };
    static constexpr version both[] = {{"0::", "/sys/fs/cgroup"},
                                       {":pids:", "/sys/fs/cgroup/pids"}};  // 2 and 1
    std::string const groups = text_of_system("/proc/self/cgroup");
    for (version const& one : both) {
        char const* at = std::strstr(groups.c_str(), one.line);
        if (at == nullptr) continue;
        at += std::strlen(one.line);
        std::string path(at, std::strcspn(at, "\n"));
        for (;; path.resize(path.rfind('/'))) {
            if (path == "/") path.clear();
            unsigned long const most = number_of_cgroup(one.root, path, "/pids.max");
            if (most != 0 && number_of_cgroup(one.root, path, "/pids.current") >= most)
                return sentence({"its cgroup may have ", most, " threads and processes (", one.root, path,
                                 "/pids.max), and has them"});
            if (path.empty()) break;
        }
    }
    return "";
}

[[gnu::cold]] MESHWISE_BODY std::string limit_of_threads() {
    if (std::string reached = limit_of_cgroup(); !reached.empty()) return reached;
    rlimit processes{}, memory{}, stack{};
    ::getrlimit(RLIMIT_NPROC, &processes);
    ::getrlimit(RLIMIT_AS, &memory);
    ::getrlimit(RLIMIT_STACK, &stack);
    bool const counted = processes.rlim_cur != RLIM_INFINITY && ::geteuid() != 0;  // root has no such limit
    if (counted && threads_of_user(::getuid()) >= processes.rlim_cur)
        return sentence(
            {"its user may have ", processes.rlim_cur, " threads and processes (ulimit -u), and has them"});
    std::string text;
    if (memory.rlim_cur != RLIM_INFINITY) {
        append(text, {"it may have ", memory.rlim_cur >> 20U,
                      " MiB of address space (ulimit -v), and a thread takes "});
        if (stack.rlim_cur == RLIM_INFINITY)
            append(text, {"some"});
        else
            append(text, {stack.rlim_cur >> 20U, " MiB"});
        append(text, {" for its stack (ulimit -s)"});
        return text;
    }
    append(text, {"memory is short, or a limit is reached: "});
    if (counted) append(text, {"ulimit -u, which is ", processes.rlim_cur, ", "});
    append(text, {"pids.max of a cgroup, kernel.threads-max or vm.max_map_count of the machine"});
    return text;
}

[[gnu::cold]] MESHWISE_BODY void refuse_thread(std::string_view what_for, std::string_view reason) {
    throw_error({"this process could not start a thread for ", what_for, " (", reason,
                 "): ", limit_of_threads(), "; raise the limit, or run fewer ranks and workers"});
}

}  // namespace meshwise::detail
