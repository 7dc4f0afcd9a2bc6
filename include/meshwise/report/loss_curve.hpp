// loss_curve: losses over steps as an SVG picture for light and dark pages.
// Guarantees: the file is always the complete old picture or the complete new one; any numbers and names give
// well-formed XML. Numbers that are not finite are drawn as gaps.
// Costs: 16 bytes per point. The picture has at most about 100 KB per series, for any number of points.
#pragma once

#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/error.hpp>
#include <meshwise/report/svg.hpp>
#include <meshwise/report/ticks.hpp>

namespace meshwise {

/// Title and names of the axes of a loss curve.
/// Example: mw::loss_curve curve({.title = "A small GPT", .y_label = "nats a token"});
struct loss_curve_options {
    std::string title = "Loss";
    std::string x_label = "step";
    std::string y_label = "loss";
};

/// One or several named series over steps in one picture. The scales fit the data.
/// Example: mw::loss_curve curve({.title = "A small GPT"});
///          curve.smooth("train", 0.95);
///          curve.add("train", step, loss);
///          here.only_on_first([&] { curve.write("loss.svg"); });
class loss_curve {
public:
    struct point {
        double x, y;
    };

    explicit loss_curve(loss_curve_options options = {}) : options_(std::move(options)) {}

    void add(std::string_view name, double step, double loss) { named(name).points.push_back({step, loss}); }
    /// Draws the running mean of a series in front of its own points, which are drawn faintly.
    /// Errors: a factor outside 0 <= factor < 1.
    void smooth(std::string_view name, double factor);
    /// The running mean: a point counts `factor` times as much as its nearer neighbour, on both sides, so the mean
    /// does not lag behind. Points that are not finite stay as they are and are left out of the mean.
    static std::vector<point> smoothed(std::span<point const> points, double factor);

    /// The picture itself.
    std::string svg() const;

    /// Writes the picture to a file under a temporary name and renames it, so a crash or a full disk leaves the old
    /// picture. A link is followed; a character device or a FIFO is written to.
    /// Errors: output_error with the system's reason.
    void write(std::filesystem::path const& path) const;

private:
    struct series {
        std::string name;
        double smoothing = 0;
        std::vector<point> points{};
    };

    static bool finite(point p);  // a range may not overflow
    series& named(std::string_view name);

    loss_curve_options options_;
    std::vector<series> series_;
};

namespace detail {
struct chart_colour {
    char const* light;
    char const* dark;
};
inline constexpr chart_colour chart_colours[] = {{"#2563eb", "#60a5fa"}, {"#ea580c", "#fb923c"},
                                                 {"#059669", "#34d399"}, {"#7c3aed", "#a78bfa"},
                                                 {"#db2777", "#f472b6"}, {"#64748b", "#94a3b8"}};
inline constexpr std::size_t chart_colour_count = std::size(chart_colours);

// attributes contain the colours for light pages, for viewers without style sheets
std::string chart_style();
}  // namespace detail

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/report/loss_curve.inl.hpp>
#endif
