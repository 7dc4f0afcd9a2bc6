// Bodies of loss_curve.hpp: see core/compiled.hpp.
#pragma once

#include <cmath>
#include <optional>

#include <meshwise/files/output_file.hpp>
#include <meshwise/report/loss_curve.hpp>

namespace meshwise {

MESHWISE_BODY void loss_curve::smooth(std::string_view name, double factor) {
    if (!(factor >= 0 && factor < 1))
        throw error("a loss curve cannot be smoothed by " + detail::formatted("%g", factor) +
                    "; give a factor of at least 0 and less than 1");
    named(name).smoothing = factor;
}

MESHWISE_BODY std::vector<loss_curve::point> loss_curve::smoothed(std::span<point const> points,
                                                                  double factor) {
    std::vector<point> out(points.begin(), points.end());
    double sum = 0, weight = 0;
    std::vector<double> sums(points.size()), weights(points.size());
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (!finite(points[i])) continue;
        sums[i] = sum, weights[i] = weight;
        sum = factor * (sum + points[i].y), weight = factor * (weight + 1);
    }
    sum = weight = 0;
    for (std::size_t i = points.size(); i-- > 0;) {
        if (!finite(points[i])) continue;
        out[i].y = (sums[i] + points[i].y + sum) / (weights[i] + 1 + weight);
        sum = factor * (sum + points[i].y), weight = factor * (weight + 1);
    }
    return out;
}

MESHWISE_BODY void loss_curve::write(std::filesystem::path const& path) const {
    std::string const picture = svg();
    try {
        detail::output_file out(detail::file_calls::of_system(), path.string());
        out.append(picture);
        out.finish(false);
    } catch (output_error const& failure) { throw output_error(std::string("loss curve ") + failure.what()); }
}

MESHWISE_BODY bool loss_curve::finite(point p) { return std::abs(p.x) < 1e150 && std::abs(p.y) < 1e150; }

MESHWISE_BODY loss_curve::series& loss_curve::named(std::string_view name) {
    for (series& s : series_)
        if (s.name == name) return s;
    return series_.emplace_back(series{std::string(name)});
}

}  // namespace meshwise

namespace meshwise::detail {

MESHWISE_BODY std::string chart_style() {
    std::string text = "<style>@media (prefers-color-scheme: dark) {"
                       ".page{fill:#0d1117;stroke:#30363d}.ink{fill:#e6edf3}.soft{fill:#9198a1}.grid{stroke:#"
                       "21262d}.axis{stroke:#484f58}";
    for (std::size_t i = 0; i < chart_colour_count; ++i)
        text += formatted(".line%zu{stroke:%s}.name%zu{fill:%s}", i, chart_colours[i].dark, i,
                          chart_colours[i].dark);
    return text + "}</style>\n";
}

}  // namespace meshwise::detail

namespace meshwise {

MESHWISE_BODY std::string loss_curve::svg() const {
    using detail::formatted, detail::xml_text;
    constexpr double width = 860, height = 460, left = 72, top = 84, bottom = 396;

    double low_x = HUGE_VAL, high_x = -HUGE_VAL, low_y = HUGE_VAL, high_y = -HUGE_VAL;
    struct end_label {
        std::size_t of;  // the series
        point end;
        double y;
        std::string name, value;
    };
    std::vector<end_label> labels;
    std::vector<std::vector<point>> drawn;
    double label_width = 24;
    for (series const& s : series_) {
        drawn.push_back(smoothed(s.points, s.smoothing));
        std::optional<point> last;
        for (std::size_t i = 0; i < s.points.size(); ++i) {
            point const raw = s.points[i];
            if (!finite(raw)) continue;
            low_x = std::min(low_x, raw.x), high_x = std::max(high_x, raw.x);
            low_y = std::min(low_y, raw.y), high_y = std::max(high_y, raw.y);
            last = drawn.back()[i];
        }
        if (!last) continue;
        labels.push_back({drawn.size() - 1, *last, 0, xml_text(s.name, 24), formatted("%.4g", last->y)});
        auto const letters = std::min<std::size_t>(s.name.size(), 24) + labels.back().value.size();
        label_width = std::max(label_width, 8.2 * static_cast<double>(letters) + 18);
    }
    bool const empty = labels.empty();
    if (empty) low_x = low_y = 0, high_x = high_y = 1;
    double const right = width - 24 - label_width;
    detail::ticks const across(low_x, high_x, 6), up(low_y, high_y, 5);
    if (!(high_x - low_x > 1e-9 * std::abs(high_x))) low_x = across.low(), high_x = across.high();
    auto const to_x = [&](double v) { return left + (v - low_x) / (high_x - low_x) * (right - left); };
    auto const to_y = [&](double v) {
        return bottom - (v - up.low()) / (up.high() - up.low()) * (bottom - top);
    };

    std::string const title = xml_text(options_.title, 80);
    std::string out = formatted(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" width=\"%g\" height=\"%g\" "
        "role=\"img\" "
        "font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"13\">\n",
        width, height, width, height);
    out += "<title>" + title + "</title>\n" + detail::chart_style();
    out += formatted("<rect class=\"page\" x=\"0.5\" y=\"0.5\" width=\"%g\" height=\"%g\" rx=\"10\" "
                     "fill=\"#ffffff\" stroke=\"#e5e7eb\"/>\n",
                     width - 1, height - 1);
    auto const text = [&](char const* kind, double x, double y, char const* anchor,
                          std::string const& words) {
        bool const soft = std::string_view(kind) == "soft";
        out += formatted("<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" fill=\"%s\">", kind, x,
                         y, anchor, soft ? "#6b7280" : "#111827");
        out += words + "</text>\n";
    };
    text("ink", 24, 38, "start", "<tspan font-size=\"18\" font-weight=\"600\">" + title + "</tspan>");
    text("soft", 24, 64, "start", xml_text(options_.y_label, 40));
    text("soft", (left + right) / 2, bottom + 46, "middle", xml_text(options_.x_label, 40));

    for (std::size_t i = 0; i < up.count(); ++i) {
        double const y = to_y(up.value(i));
        out += formatted("<path class=\"%s\" d=\"M%g %.1fH%.1f\" stroke=\"%s\"/>\n", i == 0 ? "axis" : "grid",
                         left, y, right, i == 0 ? "#9ca3af" : "#eef0f3");
        text("soft", left - 10, y + 4.5, "end", up.label(i));
    }
    for (std::size_t i = 0; i < across.count(); ++i) {
        double const x = to_x(across.value(i));
        if (x < left - 0.5 || x > right + 0.5) continue;
        out += formatted("<path class=\"axis\" d=\"M%.1f %gv5\" stroke=\"#9ca3af\"/>\n", x, bottom);
        text("soft", x, bottom + 21, "middle", across.label(i));
    }
    if (empty) text("soft", (left + right) / 2, (top + bottom) / 2, "middle", "no data yet");

    auto const curve = [&](std::size_t i, std::vector<point> const& points, double thickness,
                           double opacity) {
        detail::svg_path path;
        for (point p : points) {
            if (finite(p))
                path.to(to_x(p.x), to_y(p.y));
            else
                path.gap();
        }
        std::size_t const c = i % detail::chart_colour_count;
        out += formatted(
            "<path class=\"line%zu\" fill=\"none\" stroke=\"%s\" stroke-width=\"%g\" stroke-opacity=\"%g\"",
            c, detail::chart_colours[c].light, thickness, opacity);
        out += i < detail::chart_colour_count ? "" : " stroke-dasharray=\"6 4\"";  // colours are reused
        out += " stroke-linecap=\"round\" stroke-linejoin=\"round\" d=\"" + path.text() + "\"/>\n";
    };
    for (end_label const& l : labels)
        if (series_[l.of].smoothing > 0) curve(l.of, series_[l.of].points, 1, 0.3);
    for (end_label const& l : labels) curve(l.of, drawn[l.of], 2, 1);

    // names are placed at the ends of their lines, and moved apart where lines end close together
    for (end_label& l : labels) l.y = to_y(l.end.y);
    std::sort(labels.begin(), labels.end(), [](end_label const& a, end_label const& b) { return a.y < b.y; });
    constexpr double apart = 18;
    for (std::size_t i = 1; i < labels.size(); ++i)
        labels[i].y = std::max(labels[i].y, labels[i - 1].y + apart);
    for (std::size_t i = labels.size(); i-- > 0;)
        labels[i].y = std::min(labels[i].y, i + 1 < labels.size() ? labels[i + 1].y - apart : bottom);
    for (end_label const& l : labels) {
        std::size_t const c = l.of % detail::chart_colour_count;
        out += formatted("<circle class=\"name%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n", c,
                         to_x(l.end.x), to_y(l.end.y), detail::chart_colours[c].light);
        text("soft", right + 12, l.y + 4.5, "start",
             formatted("<tspan class=\"name%zu\" font-weight=\"600\" fill=\"%s\">", c,
                       detail::chart_colours[c].light) +
                 l.name + "</tspan> " + l.value);
    }
    return out + "</svg>\n";
}

}  // namespace meshwise
