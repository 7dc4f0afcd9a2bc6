// flight_log: reads and compares the records of calls that the ranks of a run have written, to find the rank that
// diverged, is missing or is late.
//   mw::flight_log log;
//   for (auto const& name : files) log.read(name);
//   std::puts(log.verdict().c_str());
// Guarantees: a verdict states only what the records prove; a line that is not part of a record is refused with file
// and line.
// Costs: memory for the files; time linear in the calls but for a logarithm.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/report/flight_records.hpp>

namespace meshwise {

/// The records of all ranks of a run that failed, and what they say of it.
class flight_log {
public:
    flight_log() = default;
    flight_log(flight_log const&) = delete;
    flight_log& operator=(flight_log const&) = delete;

    /// Adds the records of one file, of one rank or of all. Errors: input_error.
    void read(std::string const& path) { seen_.read(path); }

    /// One sentence.
    std::string verdict() const;

private:
    using made = detail::flight_records::made;
    using record = detail::flight_records::record;
    /// A group that made calls: its axes and its first rank.
    using group = std::pair<mesh_mask, std::size_t>;
    /// The ranks with a record, by group.
    using groups = std::map<group, std::vector<std::size_t>>;

    group group_of(std::size_t rank, mesh_mask along) const;
    groups all_groups() const;
    bool has(std::size_t rank) const { return records_.contains(rank); }

    /// The earliest call of a group that differs between its ranks. The call of the majority counts as right.
    std::string divergence(groups const& met) const;

    /// The calls of the ranks with their call sites. Different call sites are no mismatch if the call was completed
    /// on all ranks: some programs allow that.
    std::map<std::string, std::vector<std::size_t>> calls_made(std::vector<std::size_t> const& members,
                                                               mesh_mask along, std::uint64_t sequence) const;

    made const* find(std::size_t rank, mesh_mask along, std::uint64_t sequence) const;

    std::string told_apart(std::map<std::string, std::vector<std::size_t>> const& said, mesh_mask along,
                           std::uint64_t sequence) const;

    std::string missing(groups const& met) const;

    /// A rank inside a call waits for the members of its group that have not entered it.
    class lateness {
    public:
        lateness(flight_log const& log, groups const& met) : log_(log), met_(met) {}

        /// The ranks that a rank waits for.
        std::vector<std::size_t> const& awaited(std::size_t rank);
        /// One of those ranks that does not wait itself, if there is one.
        std::size_t blamed(std::size_t rank);

    private:
        /// A group and one of its calls.
        using wait = std::pair<group, std::uint64_t>;

        wait wait_of(std::size_t rank) const;
        bool has_come(std::size_t rank, wait const& to) const;

        flight_log const& log_;
        groups const& met_;
        std::map<wait, std::vector<std::size_t>> late_;
        std::map<wait, std::size_t> blamed_;
    };

    /// Reports a rank that others wait for and that does not wait itself, or a circle.
    std::string waiting(groups const& met) const;

    /// "rank 0 (tp 0), rank 1 (tp 1) and rank 2 (tp 2)"; of many, the first ones and how many more.
    std::string names(std::vector<std::size_t> const& some) const;

    static constexpr std::size_t most_names = 8;
    detail::flight_records seen_;
    std::map<std::size_t, record> const& records_ = seen_.records();
    grid const& shape_ = seen_.shape();
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/report/flight_log.inl.hpp>
#endif
