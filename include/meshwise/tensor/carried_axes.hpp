// carried_axes: which axes the tensors of a program carry, whatever it does in the end, so that a rule of a strategy whose
// axis none of them has (a misspelt one) is told of. Costs: one word a kind of axis, filled in before main.
#pragma once

#include <string>
#include <string_view>

#include <meshwise/core/strategy.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/name.hpp>

namespace meshwise::detail {

using axis_name = std::string_view (*)();
// the names of axes, found only where a message needs them; null ends them
template <class... A>
axis_name const* names_of(axes<A...>*) {
    static constexpr axis_name names[] = {&name_of<A>..., nullptr};
    return names;
}
// one of the axes, in a list of all; the function that names it tells it apart
class carried_axis {
public:
    explicit carried_axis(axis_name tag) : next_(first()), tag_(tag) { first() = this; }
    static bool any(axis_name tag) {
        carried_axis const* at = first();
        while (at != nullptr && at->tag_ != tag) at = at->next_;
        return at != nullptr;
    }

private:
    static carried_axis const*& first() {
        static carried_axis const* of_all = nullptr;
        return of_all;
    }
    carried_axis const* next_;
    axis_name tag_;
};
template <class Axis>
inline carried_axis const is_carried{&name_of<Axis>};

inline std::string idle_rule_text(std::string_view axis, std::string_view mesh_axis) {
    return sentence({"rule split<", axis, ", ", mesh_axis,
                     "> splits nothing: no tensor of this program carries axis ", axis,
                     "; is it misspelt, or of another struct of that name?\n"});
}
template <class... R>
std::string idle_rules(list<R...>) {
    std::string text;
    ((R::mesh_axis::ranks == 1 || carried_axis::any(&name_of<typename R::axis>)
          ? void()
          : void(text += idle_rule_text(name_of<typename R::axis>(), name_of<typename R::mesh_axis>()))),
     ...);
    return text;
}

}  // namespace meshwise::detail
