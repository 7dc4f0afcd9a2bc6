// convolutions: oneDNN's, each made ready once. It chooses the order of every array, and what it must reorder it reorders then.
#pragma once
#include "../rows.hpp"

#include <functional>
#include <memory>
#include <optional>

#if __has_include(<omp.h>)
#include <omp.h>
#endif
#ifdef MESHWISE_HAS_ONEDNN
#include <oneapi/dnnl/dnnl.hpp>
#endif

namespace bench {

/// A square convolution of ResNet: `edge` x `edge` points of `in` channels, windows of `taps` x `taps`.
struct convolution_shape {
    std::size_t batch, edge, in, out, taps, stride;

    std::size_t padding() const { return taps / 2; }
    std::size_t edge_out() const { return (edge + 2 * padding() - taps) / stride + 1; }
    std::size_t of_x() const { return batch * edge * edge * in; }
    std::size_t of_y() const { return batch * edge_out() * edge_out() * out; }
    std::size_t of_w() const { return taps * taps * in * out; }
    double operations() const {
        return 2.0 * static_cast<double>(of_y()) * static_cast<double>(taps * taps * in);
    }
    double bytes() const { return 4.0 * static_cast<double>(of_x() + of_y() + of_w()); }
};

enum class convolution_pass { forward, by_x, by_weights };

}  // namespace bench

namespace bench::peers {

/// The pass on arrays of oneDNN's own: its results are not looked at.
inline std::optional<std::function<void()>> onednn(convolution_shape const& s, convolution_pass pass,
                                                   std::size_t threads) {
#ifdef MESHWISE_HAS_ONEDNN
    using namespace dnnl;
    auto const dim = [](std::size_t n) { return static_cast<memory::dim>(n); };
    auto const any = [&](memory::dims const& d) {
        return memory::desc(d, memory::data_type::f32, memory::format_tag::any);
    };
    memory::desc const x = any({dim(s.batch), dim(s.in), dim(s.edge), dim(s.edge)}),
                       w = any({dim(s.out), dim(s.in), dim(s.taps), dim(s.taps)}),
                       y = any({dim(s.batch), dim(s.out), dim(s.edge_out()), dim(s.edge_out())});
    memory::dims const strides{dim(s.stride), dim(s.stride)}, padding{dim(s.padding()), dim(s.padding())};
    omp_set_num_threads(static_cast<int>(threads));
    struct state {
        engine where{engine::kind::cpu, 0};
        stream order{where};
        primitive what{};
        std::unordered_map<int, memory> arguments{};

        void give(int which, memory::desc const& d) {
            memory const room(d, where);
            auto* const numbers = static_cast<float*>(room.get_data_handle());
            std::fill_n(numbers, d.get_size() / sizeof(float), 0.5F);
            arguments[which] = room;
        }
    };
    auto const made = std::make_shared<state>();
    auto const how = algorithm::convolution_auto;
    convolution_forward::primitive_desc const forward(
        {pass == convolution_pass::forward ? prop_kind::forward_inference : prop_kind::forward_training, how,
         x, w, y, strides, padding, padding},
        made->where);
    if (pass == convolution_pass::forward) {
        made->give(DNNL_ARG_SRC, forward.src_desc());
        made->give(DNNL_ARG_WEIGHTS, forward.weights_desc());
        made->give(DNNL_ARG_DST, forward.dst_desc());
        made->what = convolution_forward(forward);
    } else if (pass == convolution_pass::by_x) {
        convolution_backward_data::primitive_desc const back({how, x, w, y, strides, padding, padding},
                                                             made->where, forward);
        made->give(DNNL_ARG_DIFF_SRC, back.diff_src_desc());
        made->give(DNNL_ARG_WEIGHTS, back.weights_desc());
        made->give(DNNL_ARG_DIFF_DST, back.diff_dst_desc());
        made->what = convolution_backward_data(back);
    } else {
        convolution_backward_weights::primitive_desc const back({how, x, w, y, strides, padding, padding},
                                                                made->where, forward);
        made->give(DNNL_ARG_SRC, back.src_desc());
        made->give(DNNL_ARG_DIFF_WEIGHTS, back.diff_weights_desc());
        made->give(DNNL_ARG_DIFF_DST, back.diff_dst_desc());
        made->what = convolution_backward_weights(back);
    }
    return [made, threads] {
        omp_set_num_threads(static_cast<int>(threads));
        made->what.execute(made->order, made->arguments);
        made->order.wait();
    };
#else
    (void)s, (void)pass, (void)threads;
    current().note("oneDNN is not here (Debian: libdnnl-dev)");
    return {};
#endif
}

}  // namespace bench::peers
