#pragma once
// context: what the thread that runs a rank's program knows of its rank. mw::run enters one per rank; outside
// of it every thread is a rank of its own, alone on its mesh.
#include <memory>

#include <meshwise/communicator/one_rank.hpp>
#include <meshwise/core/error.hpp>
#include <meshwise/core/mesh.hpp>
#include <meshwise/tensor/default_backend.hpp>
#include <meshwise/tensor/packed_blocks.hpp>

namespace meshwise {

class tape;
struct pending_gradients;

namespace detail {
template <class T>
inline constexpr char type_tag = 0;  // its address tells types apart at run time
}  // namespace detail

struct context {
    std::unique_ptr<memory_pool, memory_pool::owner> pool;
    communicator* team = nullptr;
    void const* mesh_tag = nullptr;
    void const* backend_tag = nullptr;
    tape* recording = nullptr;             // where operations note their gradients; null: nowhere
    tape* noting_uses = nullptr;           // where they note what they use, recorded or not
    pending_gradients* planned = nullptr;  // where a plan counts what could be summed early
    purpose allocating_for = purpose::activations;
    detail::packed_blocks packs{};       // see tensor/packed.hpp
    std::string_view doing = "forward";  // what a collective is for, in plans

    /// The rank `team` of a mesh, on a backend.
    template <class Mesh, class Backend>
    static context of(communicator& team) {
        context made;
        made.pool.reset(new memory_pool(&Backend::allocate, &Backend::deallocate));
        made.team = &team;
        made.mesh_tag = &detail::type_tag<Mesh>;
        made.backend_tag = &detail::type_tag<Backend>;
        return made;
    }
};

namespace detail {
inline context*& entered_context() {
    thread_local context* entered = nullptr;
    return entered;
}
inline context& lone_context() {
    thread_local one_rank team{grid{}};
    thread_local context lone = context::of<mesh<>, serial>(team);
    return lone;
}
}  // namespace detail

/// The calling thread's rank.
inline context& current() {
    context* const entered = detail::entered_context();
    return entered != nullptr ? *entered : detail::lone_context();
}

/// For its lifetime the calling thread is this rank.
class entering {
public:
    explicit entering(context& here) : before_(detail::entered_context()) {
        detail::entered_context() = &here;
    }
    entering(entering const&) = delete;
    entering& operator=(entering const&) = delete;
    ~entering() { detail::entered_context() = before_; }

private:
    context* before_;
};

/// For its lifetime memory is counted as held for this purpose.
class allocating_for {
public:
    explicit allocating_for(purpose p) : here_(current()), before_(here_.allocating_for) {
        here_.allocating_for = p;
    }
    allocating_for(allocating_for const&) = delete;
    allocating_for& operator=(allocating_for const&) = delete;
    ~allocating_for() { here_.allocating_for = before_; }

private:
    context& here_;
    purpose before_;
};

/// For its lifetime collectives are made for this.
class doing {
public:
    explicit doing(std::string_view what) : here_(current()), before_(here_.doing) { here_.doing = what; }
    doing(doing const&) = delete;
    doing& operator=(doing const&) = delete;
    ~doing() { here_.doing = before_; }

private:
    context& here_;
    std::string_view before_;
};

/// For its lifetime operations are not recorded.
class without_recording {
public:
    without_recording() : here_(current()), before_(here_.recording) { here_.recording = nullptr; }
    without_recording(without_recording const&) = delete;
    without_recording& operator=(without_recording const&) = delete;
    ~without_recording() { here_.recording = before_; }

private:
    context& here_;
    tape* before_;
};

namespace detail {
[[noreturn, gnu::noinline]] inline void refuse_place(std::size_t ranks) {
    throw error(ranks == 1
                    ? "a tensor was made inside mw::run on another mesh or backend than the run's; take the "
                      "strategy from the rank: mw::strategy_of<decltype(here)>"
                    : "a tensor of a mesh of several ranks was made outside of mw::run, or inside a run of "
                      "another mesh or backend; make it in the program given to mw::run<strategy>");
}
}  // namespace detail

/// Refuses tensors of another mesh or backend than the calling rank's.
template <class Mesh, class Backend>
void check_place(context const& here) {
    if (here.mesh_tag == &detail::type_tag<Mesh> && here.backend_tag == &detail::type_tag<Backend>) return;
    if (here.mesh_tag == &detail::type_tag<mesh<>> && Mesh::ranks == 1) return;  // one rank alone
    detail::refuse_place(Mesh::ranks);
}

}  // namespace meshwise
