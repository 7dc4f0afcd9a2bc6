// npy: one tensor in a .npy file, as numpy.save writes and numpy.load reads it. A file does not depend on a mesh.
//   mw::save_npy(here, x, "x.npy");
//   auto points = mw::load_npy<batch, embed>(here, "points.npy");
// Guarantees: a file is accepted as a whole or refused; each rank reads only its own part.
// Costs: reading a header of at most 64 KiB; saving gathers the whole tensor.
// Source: numpy.lib.format, versions 1.0 to 3.0.
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/io/weights.hpp>

namespace meshwise {

namespace detail {

/// A .npy file whose header was read.
/// Errors: input_error for a file that is missing, not in this format, or of another length than its header says; for
/// Fortran order, big-endian numbers, and elements that the library does not compute with.
class npy_file {
public:
    explicit npy_file(std::string const& path, file_calls& calls = file_calls::of_system());

    stored_type type() const { return type_; }
    std::vector<std::uint64_t> const& shape() const { return shape_; }
    /// Reads the elements that `part` is the place for.
    void read(state_part const& part) const;
    /// Errors: input_error for another number of axes, another size, or elements that are not converted to `wanted`.
    /// `sizes`: of each axis its name and its size; 0 for one of mw::up_to.
    struct axis_facts {
        std::string_view name;
        std::uint64_t size;
    };
    void check_fits(std::span<axis_facts const> axes, stored_type wanted) const;

private:
    [[noreturn]] void fail(std::string const& why) const;
    void read_header(std::string_view text);

    open_file file_;
    std::uint64_t size_ = 0, data_ = 0;
    stored_type type_ = stored_type::F32;
    std::vector<std::uint64_t> shape_;
};

/// The first bytes of a file; their count is a multiple of 64.
std::string npy_header(stored_type type, std::span<std::uint64_t const> shape);

// Elements of T as numpy has them: it has no bfloat16, whose values are floats.
template <class T>
using npy_element = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;
}  // namespace detail

/// Writes x, whole and without padding; bfloat16 is written as float. The file is replaced at once, as save_weights does.
/// Communication: one gather. Errors: output_error on all ranks; x is recorded.
/// Example: mw::save_npy(here, x, "x.npy");
template <any_strategy S, any_tensor X>
void save_npy(rank<S>& here, X const& x, std::string const& path,
              std::source_location where = std::source_location::current()) {
    if constexpr (!is_poison<X>) {
        using T = detail::npy_element<typename X::value_type>;
        auto const whole = here.gather(x, where);
        if constexpr (X::backend::computes)
            detail::disk_work(here.team(), [&] {
                if (!here.is_first().on_this_rank()) return;
                auto const shape = detail::true_shape(x);
                detail::output_file file(detail::file_calls::of_system(), path);
                file.append(detail::npy_header(detail::stored_type_of<T>(), shape));
                using byte_of_mask = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;
                std::vector<byte_of_mask> const elements(whole.begin(), whole.end());
                detail::append_without_padding(file, x, elements.data(), shape);
                file.finish(true);
            });
    }
}

/// The tensor in a file, where S puts these axes, or of type X. Floating types are converted to the element type of the
/// strategy and rounded once, whole numbers to int32 where it holds them.
/// Communication: small all-reduces, one every 50 ms while a rank reads.
/// Errors: input_error on all ranks for a file that one of them refuses, for other sizes or elements than the type's, and
/// for a whole number that the type does not hold; ranks that read different files.
/// Example:
/// auto points = mw::load_npy<batch, embed>(here, "points.npy");
/// auto ids_of_texts = mw::load_npy<mw::tensor_of<S, std::int32_t, batch>>(here, "labels.npy");
template <class X, any_strategy S>
    requires any_tensor<X>
X load_npy(rank<S>& here, std::string const& path) {
    if constexpr (!X::backend::computes) {
        static_assert(X::bounded_count == 0,
                      "meshwise: a plan reads no file, so it does not know the extents of "
                      "mw::up_to axes in one: give mw::explain a function that takes the tensor");
        return X::uninitialized();
    } else {
        detail::refuse_pending_by_hand<X>();
        std::optional<detail::npy_file> file;
        detail::disk_work(here.team(), [&] {
            file.emplace(path);
            [&]<class... A>(axes<A...>) {
                std::array<detail::npy_file::axis_facts, X::axis_count> const facts{
                    {{name_of<A>(), A::bounded ? 0 : A::true_size}...}};
                file->check_fits(facts, detail::stored_type_of<typename X::value_type>());
            }(typename X::axes{});
        });
        typename X::extents_type extents{};
        [&]<class... A>(axes<A...>) {
            std::size_t axis = 0, at = 0;
            auto const one = [&](bool bounded) {
                if (bounded) extents[at++] = static_cast<std::size_t>(file->shape()[axis]);
                ++axis;
            };
            (one(A::bounded), ...);
            (void)at;
        }(typename X::axes{});
        X x = X::uninitialized(extents);
        if constexpr (detail::has_padding(typename X::axes{}))
            X::backend::fill(x.mutable_data(), x.local_size(), typename X::value_type{});
        detail::state_part const part = detail::part_of(path, x, true);
        std::uint64_t alike = 0;
        mesh_mask const everyone = here.team().mesh().every_axis();
        detail::disk_work(here.team(), [&] {
            file->read(part);
            if (part.held_alike == everyone)
                alike = detail::hash_of_bytes(part.data, x.local_size() * sizeof(typename X::value_type));
        });
        here.team().note_common(alike, common_kind::data);
        here.team().barrier(everyone);  // compares what was noted
        return x;
    }
}
template <any_axis... A, any_strategy S>
auto load_npy(rank<S>& here, std::string const& path) {
    return load_npy<tensor_of<S, typename S::element, A...>>(here, path);
}

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/io/npy.inl.hpp>
#endif
