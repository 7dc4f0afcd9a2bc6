// Bodies of concept.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/communicator/concept.hpp>
#include <meshwise/messages/sentence.hpp>

namespace meshwise {

MESHWISE_BODY std::unique_ptr<communicator::request> communicator::start_all_reduce(
    mesh_mask mask, reduction how, element_type type, void const* in, void* out, std::size_t count,
    std::source_location where) {
    all_reduce(mask, how, type, in, out, count, where);
    return nullptr;
}

MESHWISE_BODY void communicator::note_common(std::uint64_t hash, common_kind kind, mesh_mask along) {
    along = mesh_.without_ones(along & mesh_.every_axis());
    if (alone_ || along == 0) return;
    if (along == mesh_.without_ones(mesh_.every_axis())) return notes_[0].add(hash, kind);
    std::size_t at = 1;
    while (at < sets_of_axes_ && notes_[at].along != along) ++at;
    if (at == notes_.size()) return;
    if (at == sets_of_axes_) notes_[sets_of_axes_++].along = along;
    notes_[at].add(hash, kind);
}

MESHWISE_BODY void communicator::add_common(call& made) const {
    made.common = notes_[0].common;
    made.noted = notes_[0].by_kind;
    if (sets_of_axes_ == 1) return;
    mesh_mask const mask = mesh_.without_ones(made.mask);
    for (std::size_t i = 1; i < sets_of_axes_; ++i) {
        if ((mask & ~notes_[i].along) != 0) continue;
        made.common += notes_[i].common;
        for (std::size_t kind = 0; kind < made.noted.size(); ++kind)
            made.noted[kind] += notes_[i].by_kind[kind];
    }
}

MESHWISE_BODY void communicator::count_collective(call const& made) {
    if (alone_)
        detail::throw_error({describe(mesh_, made),
                             " was called in a block that ranks run alone (only_on_first, "
                             "on_first), where the other ranks do not call it; "
                             "call it before or after the block"});
    ++collectives_;
}

MESHWISE_BODY void communicator::check_root(mesh_mask mask, std::size_t root) const {
    if (root >= group_size(mask))
        detail::throw_error({"broadcast over ", describe_axes(mesh_, mask), " has root ", root,
                             ", but the group has ", group_size(mask),
                             " ranks; the root is a position in the group"});
}

MESHWISE_BODY void communicator::check_apart(void const* in, void const* out, std::size_t count) {
    if (in == out && count > 0)
        throw error("all_to_all was given the same memory as input and output; it needs two buffers");
}

}  // namespace meshwise
