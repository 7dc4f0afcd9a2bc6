// Bodies of flight_log.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <set>
#include <string_view>

#include <meshwise/report/flight_log.hpp>

namespace meshwise {

MESHWISE_BODY std::string flight_log::verdict() const {
    if (records_.empty()) return "there are no records";
    groups const met = all_groups();
    if (auto const found = divergence(met); !found.empty()) return found;
    if (auto const found = missing(met); !found.empty()) return found;
    if (auto const found = waiting(met); !found.empty()) return found;
    std::size_t most = 0;
    for (auto const& [rank, r] : records_) most = std::max(most, r.entered);
    return "all " + std::to_string(shape_.ranks()) + " ranks have made the same calls, up to " +
           std::to_string(most) + " of them, and no rank waits for one that does not wait itself";
}

MESHWISE_BODY flight_log::group flight_log::group_of(std::size_t rank, mesh_mask along) const {
    return {along, shape_.group_member(rank, along, 0)};
}

MESHWISE_BODY flight_log::groups flight_log::all_groups() const {
    std::set<mesh_mask> masks;
    for (auto const& one : records_)
        for (auto const& own : one.second.along) masks.insert(own.first);
    groups found;
    for (mesh_mask const mask : masks)
        for (auto const& one : records_) found[group_of(one.first, mask)].push_back(one.first);
    return found;
}

MESHWISE_BODY std::string flight_log::divergence(groups const& met) const {
    std::size_t earliest = SIZE_MAX;
    std::string text;
    for (auto const& [where, members] : met) {
        auto const& first = records_.at(members.front()).along;
        auto const own = first.find(where.first);
        if (own == first.end()) continue;
        for (auto const& [sequence, m] : own->second) {
            if (m.number >= earliest) break;
            auto const said = calls_made(members, where.first, sequence);
            if (said.size() < 2) continue;
            earliest = m.number;
            text = told_apart(said, where.first, sequence);
        }
    }
    return text;
}

MESHWISE_BODY std::map<std::string, std::vector<std::size_t>> flight_log::calls_made(
    std::vector<std::size_t> const& members, mesh_mask along, std::uint64_t sequence) const {
    std::map<std::string, std::vector<std::size_t>> with_place;
    std::map<std::string, int> what;
    bool through = true;
    for (std::size_t const rank : members)
        if (made const* const theirs = find(rank, along, sequence)) {
            with_place[theirs->text()].push_back(rank);
            what[theirs->what];
            through = through && theirs->number < records_.at(rank).completed;
        }
    if (what.size() < 2 && through) return {};
    return with_place;
}

MESHWISE_BODY flight_log::made const* flight_log::find(std::size_t rank, mesh_mask along,
                                                       std::uint64_t sequence) const {
    record const& r = records_.at(rank);
    auto const own = r.along.find(along);
    if (own == r.along.end()) return nullptr;
    auto const at = own->second.find(sequence);
    return at == own->second.end() ? nullptr : &at->second;
}

MESHWISE_BODY std::string flight_log::told_apart(std::map<std::string, std::vector<std::size_t>> const& said,
                                                 mesh_mask along, std::uint64_t sequence) const {
    auto const most = std::max_element(said.begin(), said.end(), [](auto const& a, auto const& b) {
        return a.second.size() < b.second.size();
    });
    std::string odd;
    for (auto const& one : said)
        if (&one != &*most) odd += (odd.empty() ? "" : ", ") + names(one.second) + " called " + one.first;
    return "in call " + std::to_string(sequence) + " of the group over " + describe_axes(shape_, along) +
           " " + odd + ", while " + names(most->second) + " called " + most->first +
           "; ranks that share a group must make the same calls in the same order";
}

MESHWISE_BODY std::string flight_log::missing(groups const& met) const {
    if (records_.size() == shape_.ranks()) return {};
    std::vector<std::size_t> gone;
    for (std::size_t rank = 0; rank < shape_.ranks(); ++rank)
        if (!has(rank)) gone.push_back(rank);
    std::string text = names(gone) + (gone.size() == 1 ? " has" : " have") +
                       " left no record: it was killed, its machine is gone, or its file was not given";
    for (auto const& [rank, r] : records_)
        if (r.inside() && r.last &&
            met.at(group_of(rank, r.last_mask)).size() < shape_.group_size(r.last_mask))
            return text + "; " + r.name + " waits in " + r.last->text();
    return text;
}

MESHWISE_BODY std::vector<std::size_t> const& flight_log::lateness::awaited(std::size_t rank) {
    static std::vector<std::size_t> const none;
    record const& r = log_.records_.at(rank);
    if (!r.inside() || !r.last) return none;
    auto const [at, fresh] = late_.try_emplace(wait_of(rank));
    if (fresh)
        for (std::size_t const other : met_.at(at->first.first))
            if (!has_come(other, at->first)) at->second.push_back(other);
    return at->second;
}

MESHWISE_BODY std::size_t flight_log::lateness::blamed(std::size_t rank) {
    auto const& late = awaited(rank);
    auto const [at, fresh] = blamed_.try_emplace(wait_of(rank), late.front());
    if (fresh)
        for (std::size_t const other : late)
            if (awaited(other).empty()) {
                at->second = other;
                break;
            }
    return at->second;
}

MESHWISE_BODY flight_log::lateness::wait flight_log::lateness::wait_of(std::size_t rank) const {
    record const& r = log_.records_.at(rank);
    return {log_.group_of(rank, r.last_mask), r.last->sequence};
}

MESHWISE_BODY bool flight_log::lateness::has_come(std::size_t rank, wait const& to) const {
    auto const& along = log_.records_.at(rank).along;
    auto const at = along.find(to.first.first);
    return at != along.end() && !at->second.empty() && at->second.rbegin()->first >= to.second;
}

MESHWISE_BODY std::string flight_log::waiting(groups const& met) const {
    lateness late(*this, met);
    std::map<std::size_t, std::vector<std::size_t>> waiting_for;
    for (auto const& one : records_)
        if (!late.awaited(one.first).empty()) waiting_for[late.blamed(one.first)].push_back(one.first);
    if (waiting_for.empty()) return {};
    for (auto const& [blamed, waiters] : waiting_for) {
        record const& r = records_.at(blamed);
        if (!late.awaited(blamed).empty()) continue;
        return names(waiters) + (waiters.size() == 1 ? " waits" : " wait") +
               records_.at(waiters.front()).last_seen(" in ") + " for " + r.name + ", which " +
               (r.last ? "is in no call or has ended; it was last seen" + r.last_seen(" in ")
                       : "has made no call");
    }
    std::vector<std::size_t> path{waiting_for.begin()->first};
    for (;;) {
        std::size_t const next = late.awaited(path.back()).front();
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

MESHWISE_BODY std::string flight_log::names(std::vector<std::size_t> const& some) const {
    std::size_t const shown = some.size() <= most_names ? some.size() : most_names;
    std::string text;
    for (std::size_t i = 0; i < shown; ++i) {
        if (i != 0) text += i + 1 == some.size() ? " and " : ", ";
        text += has(some[i]) ? records_.at(some[i]).name : "rank " + std::to_string(some[i]);
    }
    return shown == some.size() ? text : text + " and " + std::to_string(some.size() - shown) + " more";
}

}  // namespace meshwise
