// flight_records: parses the files that ranks write with the option `record_file`.
// Guarantees: a line that is not part of a record is refused with file and line; memory grows only with the size of
// the files.
// Costs: time linear in the calls but for a logarithm.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <meshwise/communicator/grid.hpp>
#include <meshwise/core/compiled.hpp>

namespace meshwise::detail {

class flight_records {
public:
    struct made {
        std::size_t number = 0;
        std::uint64_t sequence = 0;
        std::string what, place;
        std::string text() const { return what + " at " + place; }
    };
    /// The calls of a rank along one set of axes, by their number in the group.
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
    void read(std::string const& path);

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
        if (!in.good() || !in.text.empty()) refuse("this is not a line about a rank");
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
        if (!in.good() || in.text.empty()) refuse("this is not a line about a call");
        m.what = what + " over " + axes, m.place = in.text;
        mesh_mask const mask = mask_of(axes);
        if (mask == 0) refuse("the mesh " + mesh_ + " has no axes '" + axes + "' in this order");
        auto const [at, fresh] = r.along[mask].emplace(m.sequence, m);
        if (!fresh) refuse("this call of the group is on record already");
        r.last = m, r.last_mask = mask;
    }

    mesh_mask mask_of(std::string const& axes) const;

    /// Parses a line from the left. A mismatch is kept until `good` is asked for.
    struct words {
        std::string_view text;
        bool fits = true;

        bool good() const { return fits; }
        words& after(std::string_view expected);
        std::size_t number();
        std::string_view until(std::string_view stop);
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

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/report/flight_records.inl.hpp>
#endif
