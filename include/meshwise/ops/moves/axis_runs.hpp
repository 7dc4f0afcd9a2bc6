// axis_runs: reading and writing runs of an axis that is whole on every rank, for slice and concatenate.
#pragma once

#include <meshwise/tensor/result_of.hpp>

namespace meshwise::elementary {
struct added {
    constexpr auto operator()(auto a, auto b) const { return a + b; }
};
}  // namespace meshwise::elementary

namespace meshwise::detail {

// extents of Out, where New has `extent` elements and all other axes are as in x
template <class New, class Out, class X>
typename Out::extents_type extents_with(X const& x, std::size_t extent) {
    typename Out::extents_type extents{};
    [&]<class... A>(axes<A...>) {
        [[maybe_unused]] std::size_t at = 0;
        [[maybe_unused]] auto const one = [&]<class Axis>(Axis*) {
            if constexpr (Axis::bounded) {
                if constexpr (std::is_same_v<Axis, New>)
                    extents[at++] = extent;
                else
                    extents[at++] = x.template stored_extent<Axis>();
            }
        };
        (one(static_cast<A*>(nullptr)), ...);
    }(typename Out::axes{});
    return extents;
}

// run-time extents of the axes that x and y share, but for First of x and Second of y
template <class First, class Second, class X, class Y>
void check_same_extents(X const& x, Y const& y, std::source_location const& where) {
    [&]<class... A>(list<A...>) {
        (check_agrees<A>(x.template stored_extent<A>(), y, &where), ...);
    }(without<common<as_list<typename X::axes>, typename Y::axes>, list<First, Second>>{});
    (void)x, (void)y, (void)where;
}

/// A run of an axis that is whole: `outer` times `run` elements, every `whole` elements, from `first` on.
struct run_of_axis {
    std::size_t outer, run, whole, first;

    template <class Axis, class X>
    static run_of_axis of(X const& x, std::size_t first, std::size_t count) {
        auto const& extents = x.local_extents();
        std::size_t outer = 1, inner = 1;
        for (std::size_t i = 0; i < extents.size(); ++i) {
            if (i < index_of<Axis, typename X::axes>) outer *= extents[i];
            if (i > index_of<Axis, typename X::axes>) inner *= extents[i];
        }
        return {outer, count * inner, extents[index_of<Axis, typename X::axes>] * inner, first * inner};
    }
    template <class B, class T>
    void take(T* out, T const* whole_data) const {
        iteration_space<1> l = rows();
        l.out[0] = static_cast<std::ptrdiff_t>(run), l.in[0][0] = static_cast<std::ptrdiff_t>(whole);
        B::permute(l, out, whole_data + first);
    }
    template <class B, class T>
    void put(T* whole_data, T const* in) const {
        iteration_space<1> l = rows();
        l.out[0] = static_cast<std::ptrdiff_t>(whole), l.in[0][0] = static_cast<std::ptrdiff_t>(run);
        B::permute(l, whole_data + first, in);
    }
    /// Adds instead of writing.
    template <class B, class T>
    void add(T* whole_data, T const* in) const {
        iteration_space<2> l;
        l.dims = 2;
        l.extents = {outer, run};
        l.out = {static_cast<std::ptrdiff_t>(whole), 1};
        l.in[0] = l.out, l.in[1] = {static_cast<std::ptrdiff_t>(run), 1};
        B::map(l, elementary::added{}, whole_data + first, static_cast<T const*>(whole_data + first), in);
    }

private:
    iteration_space<1> rows() const {
        iteration_space<1> l;
        l.dims = 2;
        l.extents = {outer, run};
        l.out[1] = l.in[0][1] = 1;
        return l;
    }
};

}  // namespace meshwise::detail
