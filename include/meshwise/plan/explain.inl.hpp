// Bodies of explain.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cstdio>

#include <meshwise/plan/explain.hpp>

namespace meshwise {

MESHWISE_BODY std::size_t plan::count(operation what, mesh_mask mask, std::string_view phase) const {
    std::size_t n = 0;
    for (auto const& c : collectives)
        if (c.what == what && c.mask == mask && (phase.empty() || c.phase == phase)) n += c.times;
    return n;
}

MESHWISE_BODY std::size_t plan::count() const {
    std::size_t n = 0;
    for (auto const& c : collectives) n += c.times;
    return n;
}

}  // namespace meshwise

namespace meshwise::detail {

MESHWISE_BODY void planner::record(call made) {
    std::size_t const before = calls().size();
    simulated::record(made);
    if (calls().size() == before) return;
    auto const& last = calls().back();
    std::uint64_t const bytes = made.outer * made.inner * size_of(made.type);
    auto const same = std::find_if(lines.begin(), lines.end(), [&](planned_collective const& l) {
        return l.phase == current().doing && l.what == made.what && l.how == made.how &&
               l.mask == made.mask && l.where.line() == made.where.line() &&
               std::string_view(l.where.file_name()) == made.where.file_name();
    });
    if (same == lines.end())
        lines.push_back({current().doing, made.what, made.how, made.mask, last.ranks, 1, bytes,
                         last.bytes_sent, made.where});
    else
        same->times += 1, same->bytes += bytes, same->bytes_sent += last.bytes_sent;
}

MESHWISE_BODY std::string bytes_text(double bytes) {
    char const* const units[] = {"B", "KB", "MB", "GB", "TB"};
    std::size_t unit = 0;
    for (; bytes >= 1000 && unit < 4; ++unit) bytes /= 1000;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return text.data();
}

MESHWISE_BODY std::string padded_text(std::string text, std::size_t width, bool right) {
    if (text.size() < width) text.insert(right ? 0 : text.size(), width - text.size(), ' ');
    return text;
}

MESHWISE_BODY std::string axes_text(grid const& mesh, mesh_mask mask) {
    std::string text;
    for (std::size_t i = 0; i < mesh.axes; ++i)
        if ((mask >> i & 1U) != 0) text += (text.empty() ? "" : " x ") + std::string(mesh.names[i]);
    return text;
}

MESHWISE_BODY std::string place_text(std::source_location const& where) {
    std::string_view file = where.file_name();
    if (auto const at = file.rfind("meshwise/"); at != file.npos)
        file.remove_prefix(at);
    else if (auto const slash = file.rfind('/'); slash != file.npos)
        file.remove_prefix(slash + 1);
    return std::string(file) + ":" + std::to_string(where.line());
}

}  // namespace meshwise::detail

namespace meshwise {

MESHWISE_BODY std::string plan::text() const {
    using detail::bytes_text;
    using detail::padded_text;
    std::string out = "mesh";
    for (std::size_t i = 0; i < mesh.axes; ++i)
        out += " " + std::string(mesh.names[i]) + "=" + std::to_string(mesh.sizes[i]);
    out += ", " + std::to_string(mesh.ranks()) + (mesh.ranks() == 1 ? " rank" : " ranks") +
           "\n\ncollectives of one rank\n";
    if (collectives.empty())
        out += "  none\n";
    else
        out += "  phase      times  operation       over        bytes each  sent (ring)  owed by\n";
    for (auto const& c : collectives)
        out +=
            "  " + padded_text(std::string(c.phase), 10) + padded_text(std::to_string(c.times), 6, true) +
            "  " + padded_text(std::string(name_of(c.what)) + (c.how == reduction::max ? " max" : ""), 16) +
            padded_text(detail::axes_text(mesh, c.mask), 10) +
            padded_text(bytes_text(static_cast<double>(c.bytes) / static_cast<double>(c.times)), 12, true) +
            padded_text(bytes_text(static_cast<double>(c.bytes_sent)), 13, true) + "  " +
            detail::place_text(c.where) + "\n";
    if (!idle_rules.empty()) out += "\n" + idle_rules;
    if (reproducible)
        out += "\nreproducible: each contribution to a gradient is summed where it is made, so none is left "
               "to be "
               "summed during the backward pass\n";
    for (auto const& g : gradients)
        out += "\ngradients summed over " + detail::axes_text(mesh, g.mask) + ": " +
               bytes_text(static_cast<double>(g.bytes)) + "; processes (mpi) sum " +
               bytes_text(static_cast<double>(g.early)) +
               " during the backward pass, threads after it, for they add with the cores that compute" +
               (g.early == g.bytes ? std::string()
                                   : "; " + bytes_text(static_cast<double>(g.bytes - g.early)) +
                                         " are final only when it ends: the model begins with them, or its "
                                         "batches can be read but once") +
               "\n";
    if (!collectives.empty())
        out +=
            std::string("\n") + (gradients.empty() ? "every" : "every other") +
            " collective is waited for where it is made: no product is cut into chunks to overlap with it\n";
    static constexpr std::array<std::string_view, purpose_count> names{"activations", "parameters",
                                                                       "gradients", "optimizer"};
    out += "\nmemory of one rank, at the most\n";
    for (std::size_t i = 0; i < purpose_count; ++i)
        out += "  " + padded_text(std::string(names[i]), 14) +
               padded_text(bytes_text(static_cast<double>(memory.most[i])), 10, true) + "\n";
    out += "  " + padded_text("at once", 14) +
           padded_text(bytes_text(static_cast<double>(memory.most_total)), 10, true) + "\n";
    out += "  " + padded_text("kept for reuse", 14) +
           padded_text(bytes_text(static_cast<double>(memory.reserved)), 10, true) + "\n";
    std::array<char, 64> work{};
    std::snprintf(work.data(), work.size(), "\nwork of one rank: %.2f GFLOP in products\n",
                  static_cast<double>(flops) * 1e-9);
    return out + work.data();
}

}  // namespace meshwise
