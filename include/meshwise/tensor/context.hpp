// context: what the thread that runs a rank's program knows of its rank. mw::run enters one per rank; outside
// of it every thread is a rank of its own, alone on its mesh.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <initializer_list>
#include <memory>

#include <meshwise/communicator/concept.hpp>
#include <meshwise/core/compiled.hpp>
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

// where the model of a recording lies, as the program has it and as the recorded function gets it
struct recorded_models {
    std::array<void const*, 2> begin{};
    std::size_t bytes = 0;
    bool contain(void const* x) const {
        auto const at = reinterpret_cast<std::uintptr_t>(x);
        return at - reinterpret_cast<std::uintptr_t>(begin[0]) < bytes ||
               at - reinterpret_cast<std::uintptr_t>(begin[1]) < bytes;
    }
};
}  // namespace detail

namespace detail {
// The recordings of all threads that are under way. A value of one of them is on its tape, and no other thread may compute
// with it.
void begin_recording(std::uint32_t number);
void end_recording(std::uint32_t number) noexcept;
bool is_under_way(std::uint32_t number);
}  // namespace detail

/// What runs on this thread as a rank: its communicator, its memory, its tape. Operations find it here, so that a model
/// needs no handle.
/// Example: std::size_t const ranks = mw::current().team->size();
struct context {
    std::unique_ptr<memory_pool, memory_pool::owner> pool;
    communicator* team = nullptr;
    void const* mesh_tag = nullptr;
    void const* backend_tag = nullptr;
    tape* recording = nullptr;            // where operations note their gradients; null: nowhere
    std::uint32_t recording_number = 0;   // of the recording under way, also where it is interrupted; 0: none
    void const* frame_of_loss = nullptr;  // above all variables of the function that is recorded
    detail::recorded_models models{};     // the model of that recording
    tape* noting_uses = nullptr;          // where they note what they use, recorded or not
    pending_gradients* planned = nullptr;  // where a plan counts what could be summed early
    purpose allocating_for = purpose::activations;
    detail::packed_blocks packs{};  // see tensor/packed.hpp
    std::vector<std::uint64_t>
        reported{};  // parameters without gradient that were told of, by a hash of the name
    std::string_view doing = "forward";  // what a collective is for, in plans

    /// The rank `team` of a mesh, on a backend.
    template <class Mesh, class Backend>
    static context of(communicator& team) {
        context made;
        if constexpr (Backend::computes)
            made.pool.reset(new memory_pool(&Backend::allocate, &Backend::deallocate));
        else
            made.pool.reset(new memory_pool(&Backend::allocate, &Backend::deallocate, nullptr));
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
context& lone_context();
}  // namespace detail

/// The calling thread's rank.
/// Example: bool const recording = mw::current().recording != nullptr;
inline context& current() {
    context* const entered = detail::entered_context();
    return entered != nullptr ? *entered : detail::lone_context();
}

namespace detail {
inline std::uint64_t hash_of(std::initializer_list<std::uint64_t> words) {
    std::uint64_t hash = 0;
    for (std::uint64_t const word : words) hash = (hash ^ word ^ hash >> 29U) * 0x9E3779B97F4A7C15U;
    return hash;
}
inline std::uint64_t bits_of(double number) { return std::bit_cast<std::uint64_t>(number); }
/// Of all bytes, at the speed of memory.
std::uint64_t hash_of_bytes(void const* bytes, std::size_t count);
/// Of bytes whose reading would cost more than what is done with them: of more than `most`, at least 1024, a share that is
/// spread over all of them.
inline constexpr std::size_t most_of_share = std::size_t{1} << 20U;
std::uint64_t hash_of_share(void const* bytes, std::size_t count, std::size_t most = most_of_share);
/// Numbers that must be equal on all ranks.
inline void note_common(common_kind kind, std::initializer_list<std::uint64_t> words) {
    current().team->note_common(hash_of(words), kind);
}
/// The same of a number that goes into each element of an operation on X.
template <class X, class... N>
void note_numbers([[maybe_unused]] N... number) {
    if constexpr (X::mesh::ranks > 1)
        note_common(common_kind::numbers, {bits_of(static_cast<double>(number))...});
}
}  // namespace detail

namespace detail {
/// For its lifetime a rank does what the others do not: it makes no collective and notes nothing, and the values that it
/// makes or changes are its own.
class working_alone {
public:
    explicit working_alone(context& here)
        : team_(*here.team),
          pool_(*here.pool),
          before_(pool_.work_alone(true)) {}
    working_alone(working_alone const&) = delete;
    working_alone& operator=(working_alone const&) = delete;
    ~working_alone() { pool_.work_alone(before_); }

private:
    communicator::alone team_;
    memory_pool& pool_;
    bool before_;
};
}  // namespace detail

/// For its lifetime the calling thread is this rank.
/// Example:
/// mw::context of_another_run = mw::context::of<mesh, mw::serial>(here.team());
/// mw::entering const scope(of_another_run);
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
/// Example:
/// mw::allocating_for const parameters(mw::purpose::parameters);
/// auto copy = mw::full<decltype(w)>(0);  // counted as a parameter
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
/// Example: mw::doing const evaluation("evaluation");  // what plans call the phase
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
/// Example:
/// mw::without_recording const off;
/// auto const held_out = model.loss(ids, targets);  // keeps nothing for a gradient
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
[[noreturn]] void refuse_place(std::size_t ranks);
}  // namespace detail

/// Refuses tensors of another mesh or backend than the calling rank's.
/// Example: mw::check_place<mesh, mw::best_backend>(mw::current());
template <class Mesh, class Backend>
void check_place(context const& here) {
    if (here.mesh_tag == &detail::type_tag<Mesh> && here.backend_tag == &detail::type_tag<Backend>) return;
    if (here.mesh_tag == &detail::type_tag<mesh<>> && Mesh::ranks == 1) return;  // one rank alone
    detail::refuse_place(Mesh::ranks);
}

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/tensor/context.inl.hpp>
#endif
