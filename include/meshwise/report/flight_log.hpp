// flight_log: the records of calls that the ranks of a run have left, read and compared: who diverged, who is missing,
// who is late.
//   mw::flight_log log;
//   for (auto const& name : files) log.read(name);
//   std::puts(log.verdict().c_str());
// Guarantees: a verdict names what the records prove, no more; a line that is no record is refused with file and line.
// Costs: memory for the files; time linear in the calls but for a logarithm.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <meshwise/core/error.hpp>

namespace meshwise {

class flight_log {
public:
    /// Adds the records of one file, of one rank or of all. Errors: input_error.
    void read(std::string const& path) {
        std::ifstream file(path);
        if (!file) throw input_error("the record '" + path + "' cannot be opened");
        std::string line;
        std::size_t number = 0;
        for (record* last = nullptr; std::getline(file, line);) {
            auto const refuse = [&, place = ++number](std::string const& why) {
                throw input_error("'" + path + "' line " + std::to_string(place) + ": " + why +
                                  "; a record is what record_file has made the ranks write");
            };
            if (line.starts_with("rank "))
                last = &add_rank(line, refuse);
            else if (last != nullptr)
                add_call(*last, line, refuse);
            else
                refuse("a call comes before the line about its rank");
        }
        if (number == 0) throw input_error("the record '" + path + "' is empty");
    }

    /// One sentence.
    std::string verdict() const {
        if (records_.empty()) return "there are no records";
        if (auto const found = divergence(); !found.empty()) return found;
        if (auto const found = missing(); !found.empty()) return found;
        if (auto const found = waiting(); !found.empty()) return found;
        std::size_t most = 0;
        for (auto const& [rank, r] : records_) most = std::max(most, r.entered);
        return "all " + std::to_string(ranks_) + " ranks have made the same calls, up to " +
               std::to_string(most) + " of them, and nobody waits for a rank that does not wait itself";
    }

private:
    struct made {
        std::size_t number = 0;
        std::uint64_t sequence = 0;
        std::string what, place;
        std::string text() const { return what + " at " + place; }
    };
    /// The calls of a rank along one set of axes, by their place in the group's order.
    using calls = std::map<std::uint64_t, made>;
    struct record {
        std::string name;  // "rank 3 (dp 1, tp 1)"
        std::size_t entered = 0, completed = 0;
        std::map<std::string, calls> along{};  // by axes: "dp x tp"
        std::string last_axes{};
        std::optional<made> last{};
        bool inside() const { return entered > completed; }
        std::string last_seen(char const* before) const { return last ? before + last->text() : ""; }
    };

    template <class Refuse>
    record& add_rank(std::string_view line, Refuse const& refuse) {
        words in{line};
        record r;
        auto const rank = in.after("rank ").number();
        std::string_view const here = in.until(" of the mesh "), mesh = in.until(" has entered ");
        auto const entered = in.number(), completed = in.after(" calls and completed ").number();
        if (!in.good() || !in.text.empty()) refuse("this is no line about a rank");
        if (entered < completed) refuse("a rank cannot complete more calls than it enters");
        if (records_.empty()) mesh_ = mesh, count_ranks(refuse);
        if (mesh_ != mesh) refuse("this rank's mesh is " + std::string(mesh) + ", the others' is " + mesh_);
        if (rank >= ranks_)
            refuse("the mesh has " + std::to_string(ranks_) + " ranks, and none is " + std::to_string(rank));
        r.name = "rank " + std::to_string(rank) + std::string(here);
        r.entered = entered, r.completed = completed;
        auto const [at, fresh] = records_.emplace(rank, std::move(r));
        if (!fresh) refuse("there is a record of " + at->second.name + " already");
        return at->second;
    }

    template <class Refuse>
    void add_call(record& r, std::string_view line, Refuse const& refuse) {
        words in{line};
        made m;
        m.number = in.number();
        m.sequence = in.after(" call ").number();
        in.after(" of its group: ");
        std::string const what = std::string(in.until(") over ")) + ")";
        std::string const axes(in.until(" at "));
        if (!in.good() || in.text.empty()) refuse("this is no line about a call");
        m.what = what + " over " + axes, m.place = in.text;
        auto const [at, fresh] = r.along[axes].emplace(m.sequence, m);
        if (!fresh) refuse("this call of the group is on record already");
        r.last = m, r.last_axes = axes;
    }

    /// A line that is taken apart from the left; what does not fit is remembered until asked.
    struct words {
        std::string_view text;
        bool fits = true;

        bool good() const { return fits; }
        words& after(std::string_view expected) {
            fits = fits && text.starts_with(expected);
            if (fits) text.remove_prefix(expected.size());
            return *this;
        }
        std::size_t number() {
            std::size_t value = 0;
            auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
            fits = fits && failure == std::errc();
            if (fits) text.remove_prefix(static_cast<std::size_t>(end - text.data()));
            return value;
        }
        std::string_view until(std::string_view stop) {
            auto const at = text.find(stop);
            fits = fits && at != text.npos;
            if (!fits) return {};
            auto const part = text.substr(0, at);
            text.remove_prefix(at + stop.size());
            return part;
        }
    };

    template <class Refuse>
    void count_ranks(Refuse const& refuse) {
        axes_.clear();
        ranks_ = 1;
        for (words in{mesh_}; !in.text.empty();) {
            axis a;
            a.name = in.until(" ");
            a.size = in.number();
            if (!in.text.empty()) in.after(" x ");
            if (!in.good() || a.size == 0 || a.size > most_ranks / ranks_)
                refuse("'" + mesh_ + "' is not the shape of a mesh");
            ranks_ *= a.size;
            axes_.push_back(a);
        }
    }

    /// The ranks of the group of `rank` along some axes, in order.
    std::vector<std::size_t> group(std::size_t rank, std::string const& along) const {
        std::vector<std::size_t> members{0};
        std::size_t step = ranks_;
        for (axis const& a : axes_) {
            step /= a.size;
            bool const runs = (" x " + along + " x ").find(" x " + a.name + " x ") != std::string::npos;
            std::vector<std::size_t> next;
            for (std::size_t const base : members)
                for (std::size_t i = 0; i < a.size; ++i)
                    if (runs || i == rank / step % a.size) next.push_back(base + i * step);
            members = std::move(next);
        }
        return members;
    }
    bool has(std::size_t rank) const { return records_.contains(rank); }

    /// The earliest call of a group that its ranks made differently. More than half of them are right.
    std::string divergence() const {
        std::size_t earliest = SIZE_MAX;
        std::string text;
        for (auto const& [rank, r] : records_)
            for (auto const& [axes, own] : r.along) {
                auto const members = group(rank, axes);
                if (first_on_record(members) != rank) continue;
                for (auto const& [sequence, m] : own) {
                    auto const said = calls_made(members, axes, sequence);
                    if (said.size() < 2 || m.number >= earliest) continue;
                    earliest = m.number;
                    text = told_apart(said, axes, sequence);
                }
            }
        return text;
    }

    /// What the ranks called, and where. Another place is no mismatch where all came through: some programs allow it.
    std::map<std::string, std::vector<std::size_t>> calls_made(std::vector<std::size_t> const& members,
                                                               std::string const& axes,
                                                               std::uint64_t sequence) const {
        std::map<std::string, std::vector<std::size_t>> with_place;
        std::map<std::string, int> what;
        bool through = true;
        for (std::size_t const rank : members)
            if (made const* const theirs = find(rank, axes, sequence)) {
                with_place[theirs->text()].push_back(rank);
                what[theirs->what];
                through = through && theirs->number < records_.at(rank).completed;
            }
        if (what.size() < 2 && through) return {};
        return with_place;
    }

    std::size_t first_on_record(std::vector<std::size_t> const& members) const {
        for (std::size_t const rank : members)
            if (has(rank)) return rank;
        return SIZE_MAX;
    }
    made const* find(std::size_t rank, std::string const& axes, std::uint64_t sequence) const {
        auto const r = records_.find(rank);
        if (r == records_.end()) return nullptr;
        auto const of_axes = r->second.along.find(axes);
        if (of_axes == r->second.along.end()) return nullptr;
        auto const at = of_axes->second.find(sequence);
        return at == of_axes->second.end() ? nullptr : &at->second;
    }

    std::string told_apart(std::map<std::string, std::vector<std::size_t>> const& said,
                           std::string const& axes, std::uint64_t sequence) const {
        auto const most = std::max_element(said.begin(), said.end(), [](auto const& a, auto const& b) {
            return a.second.size() < b.second.size();
        });
        std::string odd;
        for (auto const& one : said)
            if (&one != &*most) odd += (odd.empty() ? "" : ", ") + names(one.second) + " called " + one.first;
        return "in call " + std::to_string(sequence) + " of the group over " + axes + " " + odd + ", while " +
               names(most->second) + " called " + most->first +
               "; ranks that share a group must make the same calls in the same order";
    }

    std::string missing() const {
        std::vector<std::size_t> gone;
        for (std::size_t rank = 0; rank < ranks_; ++rank)
            if (!has(rank)) gone.push_back(rank);
        if (gone.empty()) return {};
        std::string text = names(gone) + (gone.size() == 1 ? " has" : " have") +
                           " left no record: killed, or on a machine that is gone, or the file was not given";
        for (auto const& [rank, r] : records_)
            if (r.inside() && r.last)
                for (std::size_t const other : group(rank, r.last_axes))
                    if (!has(other)) return text + "; " + r.name + " waits in " + r.last->text();
        return text;
    }

    /// Whoever is inside a call waits for the members of its group that have not come to it.
    std::vector<std::size_t> awaited(std::size_t rank) const {
        record const& r = records_.at(rank);
        std::vector<std::size_t> late;
        if (!r.inside() || !r.last) return late;
        for (std::size_t const other : group(rank, r.last_axes)) {
            auto const& along = records_.at(other).along;
            auto const at = along.find(r.last_axes);
            if (at == along.end() || at->second.empty() || at->second.rbegin()->first < r.last->sequence)
                late.push_back(other);
        }
        return late;
    }

    /// A rank that others wait for and that waits for nobody; or a circle.
    std::string waiting() const {
        std::map<std::size_t, std::vector<std::size_t>> awaited_by;
        for (auto const& [rank, r] : records_)
            for (std::size_t const late : awaited(rank)) awaited_by[late].push_back(rank);
        if (awaited_by.empty()) return {};
        for (auto const& [late, waiters] : awaited_by) {
            record const& r = records_.at(late);
            if (!awaited(late).empty()) continue;
            return names(waiters) + (waiters.size() == 1 ? " waits" : " wait") +
                   records_.at(waiters.front()).last_seen(" in ") + " for " + r.name + ", which " +
                   (r.last ? "is in no call or has ended; it was last seen" + r.last_seen(" in ")
                           : "has made no call");
        }
        std::vector<std::size_t> path{awaited_by.begin()->first};
        for (;;) {
            std::size_t const next = awaited(path.back()).front();
            auto const seen = std::find(path.begin(), path.end(), next);
            bool const closed = seen != path.end();
            if (closed) path.erase(path.begin(), seen);
            path.push_back(next);
            if (closed) break;
        }
        std::string text;
        for (std::size_t i = 0; i + 1 < path.size(); ++i)
            text += (i == 0 ? "" : ", ") + records_.at(path[i]).name +
                    records_.at(path[i]).last_seen(" waits in ") + " for rank " + std::to_string(path[i + 1]);
        return text + ": a circle, so none of them can go on";
    }

    std::string names(std::vector<std::size_t> const& some) const {
        std::string text;
        for (std::size_t i = 0; i < some.size(); ++i)
            text += (i == 0                 ? ""
                     : i + 1 == some.size() ? " and "
                                            : ", ") +
                    (has(some[i]) ? records_.at(some[i]).name : "rank " + std::to_string(some[i]));
        return text;
    }

    static constexpr std::size_t most_ranks = std::size_t{1} << 20;
    struct axis {
        std::string name;
        std::size_t size = 1;
    };
    std::string mesh_;
    std::vector<axis> axes_;
    std::size_t ranks_ = 1;
    std::map<std::size_t, record> records_;
};

}  // namespace meshwise
