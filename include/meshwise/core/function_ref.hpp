// function_ref: a callable object by reference, as one type whatever it is, so that what calls it is no template.
// Guarantees: none beyond those of a reference: the object outlives it. So it is for arguments only.
// Costs: one indirect call; nothing is allocated.
#pragma once

#include <type_traits>
#include <utility>

namespace meshwise::detail {

template <class Signature>
class function_ref;

template <class Result, class... Arguments>
class function_ref<Result(Arguments...)> {
public:
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, function_ref>)
    function_ref(F&& f)
        : object_(const_cast<void*>(static_cast<void const*>(__builtin_addressof(f)))),
          call_([](void* object, Arguments... arguments) -> Result {
              return (*static_cast<std::remove_reference_t<F>*>(object))(
                  std::forward<Arguments>(arguments)...);
          }) {}

    Result operator()(Arguments... arguments) const {
        return call_(object_, std::forward<Arguments>(arguments)...);
    }

private:
    void* object_;
    Result (*call_)(void*, Arguments...);
};

}  // namespace meshwise::detail
