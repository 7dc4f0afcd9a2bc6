// forgotten_fields: tensors of a model that mw::fields does not list are found when the model gets its initial values.
// Guarantees: a tensor that lies in the model, has no value and is in no list is told of, wherever it stands: in a model that is a
// member, in a base class or in an array. Members that are no tensors, and tensors that have a value, are not.
// Costs: while a model is made, one address per tensor.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/tensor/untyped_tensor.hpp>

namespace meshwise::detail {

/// A field that mw::fields lists.
struct listed_field {
    void const* tensor;
    std::string name;
};

/// Notes the tensors that are made by this thread while it lives.
class tensors_made {
public:
    tensors_made() : before_(std::exchange(untyped_tensor::noted_by(), &all_)) {}
    tensors_made(tensors_made const&) = delete;
    tensors_made& operator=(tensors_made const&) = delete;
    ~tensors_made() { stop(); }
    void stop() { untyped_tensor::noted_by() = before_; }

    /// Throws if a tensor in these bytes has no value and is not listed.
    void require_listed(std::string_view model, void const* bytes, std::size_t size,
                        std::vector<listed_field> const& listed) const;

private:
    std::vector<untyped_tensor const*> all_;
    std::vector<untyped_tensor const*>* before_;
};

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/tensor/forgotten_fields.inl.hpp>
#endif
