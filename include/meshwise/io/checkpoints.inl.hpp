// Bodies of checkpoints.hpp: see core/compiled.hpp.
#pragma once

#include <cstdio>
#include <exception>

#include <meshwise/communicator/start_thread.hpp>
#include <meshwise/io/checkpoints.hpp>

namespace meshwise {

MESHWISE_BODY checkpoints::~checkpoints() {
    if (!pending_) return;
    std::uint64_t const step = pending_->step;
    bool const tells = pending_->is_first;
    std::string why = "the program left it before finish(here)";
    bool const passing = std::uncaught_exceptions() > 0;
    try {
        if (!passing && current().team == pending_->team) {
            finish_parts(*pending_->team);
            return;
        }
        if (pending_->commit.valid()) {  // all shards are on the disk: rank 0 needs no other rank
            pending_->commit.get();
            return;
        }
        why += passing ? ", because of an exception" : ", and the run that began it has ended";
    } catch (std::exception const& failure) { why = failure.what(); } catch (...) {
    }
    if (tells)
        std::fprintf(stderr, "meshwise: the checkpoint of step %llu in %s is lost: %s\n",
                     static_cast<unsigned long long>(step), path_in_quotes(folder_.path()).c_str(),
                     why.c_str());
}

MESHWISE_BODY void checkpoints::finish_parts(communicator& team) {
    while (!advance(team, detail::between_meetings)) {}
}

MESHWISE_BODY void checkpoints::on_all_or_undo(communicator& team, std::string const& fresh,
                                               std::function<void()> const& f) const {
    try {
        detail::disk_work(team, f);
    } catch (...) {
        if (team.rank() == 0) folder_.remove_all(fresh);
        throw;
    }
}

MESHWISE_BODY std::future<std::string> checkpoints::write_beside(std::string const& fresh, std::size_t rank,
                                                                 detail::shard_plan plan,
                                                                 std::vector<std::byte> copy) {
    auto work = [&calls = folder_.calls(), path = fresh, rank, plan = std::move(plan),
                 copy = std::move(copy)] {
        detail::shard_writer out(calls, path + "/" + detail::manifest::shard_name(rank), plan.bytes);
        out.append(copy.data(), copy.size());
        return detail::file_line(rank, out.finish(), plan.boxes);
    };
    return detail::start_thread("files", [&] { return std::async(std::launch::async, std::move(work)); });
}

MESHWISE_BODY std::future<void> checkpoints::commit_beside(started const& now, std::string mesh,
                                                           std::vector<std::string> lines) {
    auto work = [this, step = now.step, fresh = now.fresh, numbers = now.numbers, mesh = std::move(mesh),
                 lines = std::move(lines)] {
        folder_.commit(step, fresh, detail::manifest_text(step, mesh, numbers, lines));
    };
    return detail::start_thread("files", [&] { return std::async(std::launch::async, std::move(work)); });
}

MESHWISE_BODY checkpoints::started checkpoints::begin(communicator& team, std::uint64_t step,
                                                      parts const& state) {
    started made{.step = step, .team = &team, .is_first = team.rank() == 0};
    std::string told = "step " + std::to_string(step);
    for (detail::state_part const& part : state) {
        if (part.is_tensor() && part.data == nullptr)
            throw error(
                "a checkpoint was given " + part.name +
                " to keep, which was never given a value, or was moved from: keep the one that it was moved to, or make "
                "the model with mw::init first");
        if (part.is_tensor() || part.is_absent()) continue;
        made.numbers[part.name] = part.text(part.data);
        told += ", " + part.name + " " + made.numbers[part.name];
    }
    auto const all_told = detail::gather_texts(team, told);
    for (std::size_t rank = 1; rank < all_told.size(); ++rank)
        if (all_told[rank] != all_told[0])
            throw error("the ranks would save different numbers: rank 0 has " + all_told[0] + "; rank " +
                        std::to_string(rank) + " has " + all_told[rank] +
                        "; compute them in the same way on all ranks");
    std::string nonce = detail::fresh_name();
    team.broadcast(team.mesh().every_axis(), element_type::uint8, nonce.data(), nonce.size(), 0);
    made.fresh = folder_.unfinished_path_of(step, nonce);
    on_all_or_undo(team, made.fresh, [&] {
        if (team.rank() == 0) folder_.begin(step, made.fresh);
    });
    return made;
}

MESHWISE_BODY void checkpoints::save_parts(communicator& team, std::uint64_t step, parts const& state) {
    finish_parts(team);
    auto const made = begin(team, step, state);
    std::string line;
    on_all_or_undo(team, made.fresh, [&] {
        auto const plan = detail::shard_plan_of(team, state);
        detail::shard_writer out(folder_.calls(),
                                 made.fresh + "/" + detail::manifest::shard_name(team.rank()), plan.bytes);
        detail::pour(plan, state, [&](void const* from, std::uint64_t bytes) { out.append(from, bytes); });
        line = detail::file_line(team.rank(), out.finish(), plan.boxes);
    });
    auto const lines = detail::gather_texts(team, line);
    on_all_or_undo(team, made.fresh, [&] {
        if (team.rank() == 0)
            folder_.commit(step, made.fresh,
                           detail::manifest_text(step, team.mesh().text(), made.numbers, lines));
    });
}

MESHWISE_BODY void checkpoints::save_parts_beside(communicator& team, std::uint64_t step,
                                                  parts const& state) {
    finish_parts(team);
    auto made = begin(team, step, state);
    on_all_or_undo(team, made.fresh, [&] {
        auto plan = detail::shard_plan_of(team, state);
        std::vector<std::byte> copy;
        copy.reserve(plan.bytes);
        detail::pour(plan, state, [&](void const* from, std::uint64_t bytes) {
            auto const* in = static_cast<std::byte const*>(from);
            copy.insert(copy.end(), in, in + bytes);
        });
        made.line = write_beside(made.fresh, team.rank(), std::move(plan), std::move(copy));
    });
    pending_ = std::move(made);
}

MESHWISE_BODY bool checkpoints::advance(communicator& team, std::chrono::milliseconds wait) {
    if (!pending_) return true;
    if (detail::anyone_busy(team, detail::unfinished(pending_->line, wait) ||
                                      detail::unfinished(pending_->commit, wait)))
        return false;
    bool const written = pending_->line.valid();  // and not yet committed; the same on all ranks
    started now = std::move(*pending_);
    pending_.reset();
    std::string line;
    on_all_or_undo(team, now.fresh, [&] {
        if (written) line = now.line.get();
        if (now.commit.valid()) now.commit.get();
    });
    if (!written) return true;
    auto lines = detail::gather_texts(team, line);
    if (team.rank() == 0) now.commit = commit_beside(now, team.mesh().text(), std::move(lines));
    pending_ = std::move(now);
    return false;
}

MESHWISE_BODY void checkpoints::check_fits(detail::manifest const& stored, std::string const& path,
                                           parts const& state, std::span<std::string_view const> names) {
    detail::differences found;
    std::map<std::string, int> wanted;
    for (detail::state_part const& part : state) {
        wanted.emplace(part.name, 0);
        if (part.is_tensor()) {
            auto const at = stored.tensors.find(part.name);
            if (at == stored.tensors.end())
                found.add("'" + part.name + "' " + detail::shape_text(part.whole) + " is not there");
            else
                found.compare(part, at->second.type, at->second.shape, false);
        } else {
            auto const at = stored.numbers.find(part.name);
            if (at == stored.numbers.end() && part.zero_if_absent) continue;
            if (at == stored.numbers.end())
                found.add("'" + part.name + "', a number, is missing there");
            else if (!part.read(at->second, nullptr))
                found.add("'" + part.name + "' is " + at->second +
                          " there, which is not a number of its type here");
        }
    }
    auto const check_wanted = [&](std::string const& name) {
        bool asked = names.empty();
        for (std::string_view const part : names)
            asked =
                asked || (name.starts_with(part) && (name.size() == part.size() || name[part.size()] == '.'));
        if (asked && !wanted.contains(name))
            found.add("'" + name + "' is there, but the program does not have it");
    };
    for (auto const& [name, tensor] : stored.tensors) check_wanted(name);
    for (auto const& [name, number] : stored.numbers) check_wanted(name);
    found.check(path_in_quotes(path));
}

MESHWISE_BODY void checkpoints::load_parts(communicator& team, std::uint64_t step,
                                           std::function<parts(bool)> const& state,
                                           std::span<std::string_view const> names) const {
    std::string const path = folder_.path_of(step);
    detail::manifest stored;
    detail::disk_work(team, [&] {
        stored =
            detail::manifest::read(folder_.calls(), path + "/" + std::string(detail::manifest::file_name));
        if (stored.step != step)
            throw input_error(path_in_quotes(path) + " holds step " + std::to_string(stored.step) +
                              "; rename the folder back to its own name");
        check_fits(stored, path, state(false), names);
    });
    auto const open_shard = [&](std::size_t i) {
        return detail::open_file(folder_.calls(), path + "/" + detail::manifest::shard_name(i),
                                 O_RDONLY | O_NOFOLLOW);
    };
    detail::disk_work(team, [&] {
        for (std::size_t i = team.rank(); i < stored.files.size(); i += team.size())
            detail::verify_shard(open_shard(i), stored.files[i]);
    });
    detail::disk_work(team, [&] {
        parts const wanted = state(true);
        struct piece {
            detail::state_part const* part;
            detail::saved_box const* saved;
        };
        std::vector<std::vector<piece>> pieces(stored.files.size());
        for (detail::state_part const& part : wanted) {
            if (!part.is_tensor()) continue;
            for (auto const& saved : stored.tensors.at(part.name).boxes)
                if (saved.where.common(part.here)) pieces[saved.file].push_back({&part, &saved});
        }
        std::vector<std::byte> scratch;
        for (std::size_t i = 0; i < pieces.size(); ++i) {  // one file open at a time
            if (pieces[i].empty()) continue;
            detail::open_file const file = open_shard(i);
            detail::chunk_reader from(file, stored.files[i].bytes, stored.files[i].checksums);
            for (auto const& [part, saved] : pieces[i])
                detail::read_box(*part, saved->where, part->type, saved->begin, from, scratch);
        }
    });
    for (detail::state_part const& part : state(false))
        if (!part.is_tensor()) {
            auto const at = stored.numbers.find(part.name);  // missing only where it is zero
            part.read(at == stored.numbers.end() ? "0" : at->second, part.data);
        }
}

}  // namespace meshwise
