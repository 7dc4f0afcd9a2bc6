// writable_span: the elements of a tensor on this rank, to be written by hand.
// Guarantees: while it lives, copies of the tensor are copies of the elements, and packed forms of it are not used, so
// that what is written changes this tensor alone. What several ranks hold alike is compared between them at their next
// collective. Costs: nothing while elements are read and written; at the end one pass over them, of more than a million
// bytes over a share.
#pragma once

#include <cstddef>

#include <meshwise/tensor/context.hpp>

namespace meshwise {

/// The elements of a tensor on this rank, to be written by hand. It keeps their memory. It does not become a std::span
/// unless it has a name of its own, so that the span does not outlive it.
/// Example:
/// auto elements = w.mutable_local_span();
/// for (float& one : elements) one *= 2;
template <class T>
class [[nodiscard]] writable_span {
public:
    /// `alike_along`: the mesh axes along which all ranks write the same.
    writable_span(buffer const& memory, T* data, std::size_t size, mesh_mask alike_along)
        : held_(memory ? memory.writing_hold() : buffer()),
          data_(data),
          size_(size),
          alike_along_(alike_along) {}
    writable_span(writable_span const&) = delete;
    writable_span& operator=(writable_span const&) = delete;
    writable_span(writable_span&&) noexcept = default;
    writable_span& operator=(writable_span&&) = delete;
    ~writable_span() {
        if (held_ && alike_along_ != 0)
            current().team->note_common(detail::hash_of_share(data_, size_ * sizeof(T)),
                                        common_kind::elements, alike_along_);
        held_.end_writing();
    }

    T* data() const { return data_; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T* begin() const { return data_; }
    T* end() const { return data_ + size_; }
    T& operator[](std::size_t i) const { return data_[i]; }
    T& front() const { return data_[0]; }
    T& back() const { return data_[size_ - 1]; }

protected:
    bool holds_memory() const { return static_cast<bool>(held_); }

private:
    buffer held_;
    T* data_;
    std::size_t size_;
    mesh_mask alike_along_;
};

}  // namespace meshwise
