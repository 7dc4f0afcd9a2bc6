// flight_records: the files that `record_file` has made the ranks write, taken apart.
// Guarantees: a line that is no record is refused with file and line; memory grows with the files and nothing else.
// Costs: time linear in the calls but for a logarithm.
#pragma once

#include <charconv>
#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <meshwise/communicator/grid.hpp>

namespace meshwise {

class flight_records {
public:
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
        std::map<mesh_mask, calls> along{};
        mesh_mask last_mask = 0;
        std::optional<made> last{};
        bool inside() const { return entered > completed; }
        std::string last_seen(char const* before) const { return last ? before + last->text() : ""; }
    };

    flight_records() = default;
    flight_records(flight_records const&) = delete;
    flight_records& operator=(flight_records const&) = delete;

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

    /// By rank.
    std::map<std::size_t, record> const& records() const { return records_; }
    grid const& shape() const { return shape_; }

private:
    template <class Refuse>
    record& add_rank(std::string_view line, Refuse const& refuse) {
        words in{line};
        record r;
        auto const rank = in.after("rank ").number();
        std::string_view const here = in.until(" of the mesh "), mesh = in.until(" has entered ");
        auto const entered = in.number(), completed = in.after(" calls and completed ").number();
        if (!in.good() || !in.text.empty()) refuse("this is no line about a rank");
        if (entered < completed) refuse("a rank cannot complete more calls than it enters");
        if (records_.empty()) mesh_ = mesh, read_shape(refuse);
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
        mesh_mask const mask = mask_of(axes);
        if (mask == 0) refuse("the mesh " + mesh_ + " has no axes '" + axes + "' in this order");
        auto const [at, fresh] = r.along[mask].emplace(m.sequence, m);
        if (!fresh) refuse("this call of the group is on record already");
        r.last = m, r.last_mask = mask;
    }

    mesh_mask mask_of(std::string const& axes) const {
        for (mesh_mask mask = 1; mask <= shape_.every_axis(); ++mask)
            if (describe_axes(shape_, mask) == axes) return mask;
        return 0;
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
    void read_shape(Refuse const& refuse) {
        shape_ = {};
        ranks_ = 1;
        for (words in{mesh_}; !in.text.empty(); ++shape_.axes) {
            std::string_view const name = in.until(" ");
            std::size_t const size = in.number();
            if (!in.text.empty()) in.after(" x ");
            if (!in.good() || size == 0 || size > most_ranks / ranks_ || shape_.axes == shape_.names.size())
                refuse("'" + mesh_ + "' is not the shape of a mesh");
            ranks_ *= size;
            shape_.names[shape_.axes] = name, shape_.sizes[shape_.axes] = size;
        }
    }

    static constexpr std::size_t most_ranks = std::size_t{1} << 20;
    std::string mesh_;
    grid shape_;  // its names point into mesh_
    std::size_t ranks_ = 1;
    std::map<std::size_t, record> records_;
};

}  // namespace meshwise
