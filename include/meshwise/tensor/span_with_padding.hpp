// span_with_padding: the elements of a tensor that has padded axes, to be written by hand.
// Guarantees: what was written to the padding is zero when the span has ended. Costs: a pass over the padding at the end.
#pragma once

#include <utility>

#include <meshwise/core/axis.hpp>
#include <meshwise/tensor/writable_span.hpp>

namespace meshwise::detail {

template <class Axis>
consteval bool is_padded_axis() {
    return !Axis::bounded && Axis::true_size != Axis::size;
}
template <class... A>
consteval bool has_padding(axes<A...>) {
    return (is_padded_axis<A>() || ...);
}
// Zero behind the true size of a padded axis. Defined in padding.hpp, which all that makes tensors includes.
template <class X>
void clear_padding_of(X const& x, typename X::value_type* elements);

// A span whose tensor has padded axes: what was written to the padding is cleared at the end. `Shape` has the tensor's type,
// and no memory.
template <class Shape>
class span_with_padding : public writable_span<typename Shape::value_type> {
    using base = writable_span<typename Shape::value_type>;

public:
    span_with_padding(buffer const& memory, typename Shape::value_type* data, Shape shape,
                      mesh_mask alike_along)
        : base(memory, data, shape.local_size(), alike_along),
          shape_(std::move(shape)) {}
    span_with_padding(span_with_padding&&) noexcept = default;
    ~span_with_padding() {
        if (this->holds_memory()) clear_padding_of(shape_, this->data());
    }

private:
    Shape shape_;
};

}  // namespace meshwise::detail
