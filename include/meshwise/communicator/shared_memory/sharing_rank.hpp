// sharing_rank: collectives in shared memory for groups whose ranks are threads of one process; all other groups use
// the communicator it is derived from.
// Guarantees: a peer's memory is read directly, and only between begin and end of a visit, while no rank can leave.
// Costs: two rounds per collective, one for a barrier and for sums of up to 256 bytes; an all_reduce reads every input
// once in total and writes every output once.
#pragma once

#include <meshwise/communicator/shared_memory/fixed_tree.hpp>
#include <meshwise/communicator/shared_memory/groups.hpp>
#include <meshwise/core/function_ref.hpp>
#include <meshwise/messages/sentence.hpp>

namespace meshwise::shared_memory {

/// Shares of an all_reduce are whole cache lines for every type, so that two ranks never write to one line.
inline constexpr std::size_t cache_line = 64;

template <class Visit>
void all_reduce(Visit&& inside, membership const& here, call const& made, void const* in, void* out) {
    std::size_t const count = made.inner, bytes = count * size_of(made.type), ranks = here.size();
    void const* inputs[most_ranks];
    if (bytes <= published_call::eager_bytes) {
        copy_rows(1, bytes, here.own().eager, bytes, in, bytes);
        inside.begin(made, nullptr, nullptr);
        for (std::size_t i = 0; i < ranks; ++i) inputs[i] = here.of(i).eager;
        reduce_stretch(made.how, made.type, inputs, ranks, {1, count, count}, &out, 1);
        return inside.end_at_once();
    }
    inside.begin(made, in, out);
    // Every rank adds one share of all inputs and writes it to all outputs.
    std::size_t const share = (count / ranks + cache_line - 1) / cache_line * cache_line;
    std::size_t const first = std::min(count, share * here.index);
    std::size_t const last = here.index + 1 == ranks ? count : std::min(count, first + share);
    std::size_t const skip = first * size_of(made.type);
    void* outputs[most_ranks];
    for (std::size_t i = 0; i < ranks; ++i) {
        inputs[i] = static_cast<std::byte const*>(here.of(i).in) + skip;
        outputs[i] = static_cast<std::byte*>(here.of(i).out) + skip;
    }
    reduce_stretch(made.how, made.type, inputs, ranks, {1, last - first, last - first}, outputs, ranks);
    inside.end();
}

template <class Visit>
void reduce_scatter(Visit&& inside, membership const& here, call const& made, void const* in, void* out) {
    std::size_t const element = size_of(made.type), ranks = here.size();
    inside.begin(made, in, out);
    void const* inputs[most_ranks];
    if (made.outer * made.inner > 0)
        for (std::size_t i = 0; i < ranks; ++i)
            inputs[i] = static_cast<std::byte const*>(here.of(i).in) + here.index * made.inner * element;
    reduce_stretch(made.how, made.type, inputs, ranks, {made.outer, made.inner, made.inner * ranks}, &out, 1);
    inside.end();
}

template <class Visit>
void all_gather(Visit&& inside, membership const& here, call const& made, void const* in, void* out) {
    std::size_t const row = made.inner * size_of(made.type);
    inside.begin(made, in, out);
    // Every rank begins with its own piece, so that not all read from the same rank at once.
    for (std::size_t turn = 0; made.outer * row > 0 && turn < here.size(); ++turn) {
        std::size_t const other = (here.index + turn) % here.size();
        copy_rows(made.outer, row, static_cast<std::byte*>(out) + other * row, row * here.size(),
                  here.of(other).in, row);
    }
    inside.end();
}

template <class Visit>
void all_to_all(Visit&& inside, membership const& here, call const& made, void const* in, void* out) {
    std::size_t const bytes = made.inner * size_of(made.type);
    inside.begin(made, in, out);
    for (std::size_t turn = 0; bytes > 0 && turn < here.size(); ++turn) {
        std::size_t const other = (here.index + turn) % here.size();
        std::memcpy(static_cast<std::byte*>(out) + other * bytes,
                    static_cast<std::byte const*>(here.of(other).in) + here.index * bytes, bytes);
    }
    inside.end();
}

template <class Visit>
void broadcast(Visit&& inside, membership const& here, call const& made, void* data) {
    std::size_t const bytes = made.inner * size_of(made.type);
    inside.begin(made, data, data);
    if (here.index != made.root) copy_rows(1, bytes, data, bytes, here.of(made.root).in, bytes);
    inside.end();
}

/// What a rank called.
struct call_of_rank {
    std::size_t rank;
    call const& made;
};

/// The sentence about two ranks of one group whose calls differ. `words(call)`: "entered ...".
[[gnu::cold, gnu::noinline]] inline std::string difference_text(
    grid const& mesh, call_of_rank first, call_of_rank other,
    detail::function_ref<std::string(call const&)> words, std::string_view option) {
    bool const same = same_work(first.made, other.made);
    std::string text;
    if (same_call(first.made, other.made) && !same)
        text = different_data(mesh, first.rank, other.rank, first.made.noted, other.made.noted,
                              first.made.where);
    else
        detail::append(text, {describe(mesh, other.rank), " ", words(other.made), " while ",
                              describe(mesh, first.rank), " ", words(first.made), same_calls_rule});
    if (same) detail::append(text, {" (only the call sites differ; ", option, " = false allows that)"});
    return text;
}

/// Groups in shared memory meet in their rendezvous; all others use Base. `Self::visit(self, membership)` is one
/// collective of one rank: begin(call, in, out) returns when all ranks of the group have entered the same call, or
/// throws; end() returns when all have finished; end_at_once() ends a collective in which no rank reads the memory of
/// another.
template <class Base, class Self>
class sharing_rank : public Base {
public:
    /// `memberships`: those of this rank, by mask.
    template <class... Arguments>
    explicit sharing_rank(std::vector<membership> memberships, Arguments&&... of_base)
        : Base(std::forward<Arguments>(of_base)...),
          big_axes_(this->mesh().without_ones(this->mesh().every_axis())),
          memberships_(std::move(memberships)) {}

    void all_reduce(mesh_mask mask, reduction how, element_type type, void const* in, void* out,
                    std::size_t count,
                    std::source_location where = std::source_location::current()) override {
        membership* const here = find(mask);
        if (here == nullptr) return Base::all_reduce(mask, how, type, in, out, count, where);
        shared_memory::all_reduce(visit(*here), *here,
                                  {operation::all_reduce, how, type, mask & big_axes_, 1, count, 0, 0, where},
                                  in, out);
    }

    void reduce_scatter(mesh_mask mask, reduction how, element_type type, void const* in, void* out,
                        piece_shape shape,
                        std::source_location where = std::source_location::current()) override {
        membership* const here = find(mask);
        if (here == nullptr) return Base::reduce_scatter(mask, how, type, in, out, shape, where);
        shared_memory::reduce_scatter(
            visit(*here), *here,
            {operation::reduce_scatter, how, type, mask & big_axes_, shape.outer, shape.inner, 0, 0, where},
            in, out);
    }

    void all_gather(mesh_mask mask, element_type type, void const* in, void* out, piece_shape shape,
                    std::source_location where = std::source_location::current()) override {
        membership* const here = find(mask);
        if (here == nullptr) return Base::all_gather(mask, type, in, out, shape, where);
        shared_memory::all_gather(
            visit(*here), *here,
            {operation::all_gather, {}, type, mask & big_axes_, shape.outer, shape.inner, 0, 0, where}, in,
            out);
    }

    void all_to_all(mesh_mask mask, element_type type, void const* in, void* out, std::size_t count_per_peer,
                    std::source_location where = std::source_location::current()) override {
        membership* const here = find(mask);
        if (here == nullptr) return Base::all_to_all(mask, type, in, out, count_per_peer, where);
        this->check_apart(in, out, count_per_peer);
        shared_memory::all_to_all(
            visit(*here), *here,
            {operation::all_to_all, {}, type, mask & big_axes_, 1, count_per_peer, 0, 0, where}, in, out);
    }

    void broadcast(mesh_mask mask, element_type type, void* data, std::size_t count, std::size_t root,
                   std::source_location where = std::source_location::current()) override {
        membership* const here = find(mask);
        if (here == nullptr) return Base::broadcast(mask, type, data, count, root, where);
        this->check_root(mask, root);
        shared_memory::broadcast(visit(*here), *here,
                                 {operation::broadcast, {}, type, mask & big_axes_, 1, count, root, 0, where},
                                 data);
    }

    void barrier(mesh_mask mask, std::source_location where = std::source_location::current()) override {
        membership* const here = find(mask);
        if (here == nullptr) return Base::barrier(mask, where);
        meet(*here, {operation::barrier, {}, {}, mask & big_axes_, 1, 0, 0, 0, where});
    }

protected:
    /// The axes of more than one rank.
    mesh_mask big_axes() const { return big_axes_; }

    /// The group along `mask`, or nullptr if it has no group.
    membership* find(mesh_mask mask) {
        this->mesh().check(mask);
        membership& here = memberships_[mask & big_axes_];
        return here.group != nullptr ? &here : nullptr;
    }

    /// A collective without data.
    void meet(membership& here, call const& made) {
        auto inside = visit(here);
        inside.begin(made, nullptr, nullptr);
        inside.end_at_once();
    }

    /// Every rank compares all calls with the one of the first rank, so all ranks of the group reach the same
    /// verdict. Where two calls differ, it calls disagree(rank, text), which throws. `words(call)`: "entered ...".
    template <class Words, class Disagree>
    void compare(membership const& here, bool strict, std::string_view option, Words&& words,
                 Disagree&& disagree) const {
        call const& first = here.of(0).made;
        for (std::size_t i = 1; i < here.size(); ++i) {
            call const& other = here.of(i).made;
            if (same_work(first, other) && (!strict || same_place(first, other))) continue;
            std::size_t const one = here.group->ranks[0], another = here.group->ranks[i];
            disagree(one, difference_text(this->mesh(), {one, first}, {another, other}, words, option));
        }
    }

private:
    auto visit(membership& here) { return typename Self::visit(static_cast<Self&>(*this), here); }

    mesh_mask big_axes_;
    std::vector<membership> memberships_;
};

}  // namespace meshwise::shared_memory
