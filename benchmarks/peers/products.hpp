// products: matrix products of the libraries that a package manager offers. Each is made ready once for a problem (what
// it may prepack, it prepacks then) and returns what is timed, or nothing where the library is not there.
#pragma once
#include "../product.hpp"

#include <functional>
#include <memory>
#include <optional>

#include <Eigen/Core>
#if __has_include(<omp.h>)
#include <omp.h>
#endif
#ifdef MESHWISE_HAS_ONEDNN
#include <oneapi/dnnl/dnnl.hpp>
#endif
#ifdef MESHWISE_HAS_OPENBLAS
#include <cblas.h>
#endif
#ifdef MESHWISE_HAS_LIBXSMM
#include <libxsmm.h>
#endif

namespace bench::peers {

using product = std::optional<std::function<void()>>;

/// Eigen, which divides a product among the threads of OpenMP.
inline product eigen(problem<float>& p, std::size_t threads) {
    using matrix = Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
    auto const m = static_cast<Eigen::Index>(p.m), n = static_cast<Eigen::Index>(p.n),
               k = static_cast<Eigen::Index>(p.k);
    return [&p, m, n, k, threads] {
        Eigen::setNbThreads(static_cast<int>(threads));
        matrix c(p.c, m, n);
        switch (p.how) {
        case form::plain: c.noalias() = matrix(p.a, m, k) * matrix(p.b, k, n); break;
        case form::transposed: c.noalias() = matrix(p.a, m, k) * matrix(p.b, n, k).transpose(); break;
        case form::weight_gradient: c.noalias() = matrix(p.a, k, m).transpose() * matrix(p.b, k, n); break;
        }
    };
}
inline product eigen(problem<meshwise::bfloat16>&, std::size_t) {
    return {};
}  // it sums bfloat16 in bfloat16

/// oneDNN's matmul; weights are brought to its own order beforehand.
template <class T>
product onednn(problem<T>& p, std::size_t threads) {
#ifdef MESHWISE_HAS_ONEDNN
    using namespace dnnl;
    auto const type = std::is_same_v<T, float> ? memory::data_type::f32 : memory::data_type::bf16;
    auto const m = static_cast<memory::dim>(p.m), n = static_cast<memory::dim>(p.n),
               k = static_cast<memory::dim>(p.k);
    memory::dims const a_steps{p.shape.a_m, p.shape.a_k}, b_steps{p.shape.b_k, p.shape.b_n};
    omp_set_num_threads(static_cast<int>(threads));
    struct state {
        engine where{engine::kind::cpu, 0};
        stream order{where};
        matmul what{};
        std::unordered_map<int, memory> arguments{};
    };
    auto const made = std::make_shared<state>();
    memory::desc const a({m, k}, type, a_steps), b({k, n}, type, b_steps),
        c({m, n}, memory::data_type::f32, memory::format_tag::ab),
        // only a weight is the same from call to call
        b_inside = p.how == form::weight_gradient ? b : memory::desc({k, n}, type, memory::format_tag::any);
    matmul::primitive_desc const chosen({a, b_inside, c}, made->where, true);
    if (!chosen) {
        current().note("oneDNN has no product of bfloat16 for this processor");
        return {};
    }
    memory given(b, made->where, p.b), weights = given;
    if (chosen.weights_desc() != b) {
        weights = memory(chosen.weights_desc(), made->where);
        reorder(given, weights).execute(made->order, given, weights);
        made->order.wait();
    }
    made->what = matmul(chosen);
    made->arguments = {{DNNL_ARG_SRC, memory(a, made->where, p.a)},
                       {DNNL_ARG_WEIGHTS, weights},
                       {DNNL_ARG_DST, memory(c, made->where, p.c)}};
    return [made, threads] {
        omp_set_num_threads(static_cast<int>(threads));
        made->what.execute(made->order, made->arguments);
        made->order.wait();
    };
#else
    (void)p, (void)threads;
    current().note("oneDNN is not here (Debian: libdnnl-dev)");
    return {};
#endif
}

/// OpenBLAS with the kernel that fits the processor (rows.hpp forces it); the note says which one runs.
inline product openblas(problem<float>& p, std::size_t threads) {
#ifdef MESHWISE_HAS_OPENBLAS
    current().note(std::string("OpenBLAS runs the kernels of ") + openblas_get_corename());
    auto const m = static_cast<blasint>(p.m), n = static_cast<blasint>(p.n), k = static_cast<blasint>(p.k);
    bool const left = p.how == form::weight_gradient, right = p.how == form::transposed;
    return [&p, m, n, k, left, right, threads] {
        openblas_set_num_threads(static_cast<int>(threads));
        cblas_sgemm(CblasRowMajor, left ? CblasTrans : CblasNoTrans, right ? CblasTrans : CblasNoTrans, m, n,
                    k, 1, p.a, left ? m : k, p.b, right ? k : n, 0, p.c, n);
    };
#else
    (void)p, (void)threads;
    current().note("OpenBLAS is not here (Debian: libopenblas-dev)");
    return {};
#endif
}
inline product openblas(problem<meshwise::bfloat16>&, std::size_t) { return {}; }

/// libxsmm, which writes a kernel for one small product while the program runs. It counts by columns: the transpose of
/// a product of rows is the product of the transposed factors, in the other order.
inline product libxsmm(problem<float>& p) {
    if (p.how != form::plain || p.m != p.n || p.n != p.k) return {};  // small ones are what it is for
#ifdef MESHWISE_HAS_LIBXSMM
    auto const m = static_cast<libxsmm_blasint>(p.m), n = static_cast<libxsmm_blasint>(p.n),
               k = static_cast<libxsmm_blasint>(p.k);
    float const alpha = 1, beta = 0;
    int const flags = LIBXSMM_GEMM_FLAG_NONE, prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
    libxsmm_smmfunction const kernel =
        libxsmm_smmdispatch(n, m, k, &n, &k, &n, &alpha, &beta, &flags, &prefetch);
    if (kernel == nullptr) {
        current().note("libxsmm writes no kernels for this processor");
        return {};
    }
    return [&p, kernel] { kernel(p.b, p.a, p.c); };
#else
    current().note("libxsmm is not here (Debian: libxsmm-dev)");
    return {};
#endif
}
inline product libxsmm(problem<meshwise::bfloat16>&) { return {}; }

}  // namespace bench::peers
