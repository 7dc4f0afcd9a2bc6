// handshake: before the program begins, the ranks check that they all run the same program with the same options.
// Guarantees: returns on all ranks, or throws on all ranks with each field that differs and its value per rank.
// Costs: two short messages from every rank to the first and back.
#pragma once

#include <map>

#include <meshwise/communicator/mpi/team.hpp>

namespace meshwise::mpi_detail {

class handshake {
public:
    using facts = std::vector<std::pair<std::string, std::string>>;

    explicit handshake(team& whole)
        : team_(whole),
          batch_(whole.address(), whole.library().data(), std::size_t{1} << 30) {}

    /// Compares the facts of all ranks; returns the smallest of their `number`s.
    std::uint64_t operator()(facts const& own, std::uint64_t number) {
        if (team_.mesh().ranks() == 1) return number;
        call start{.what = operation::barrier};
        team_.calls().set_stage("at the start of its program");
        team_.enter(start);
        message mine{number, packed(own)};
        if (team_.rank() == 0) {
            mine = verdict(own, number);
            for (std::size_t rank = 1; rank < team_.mesh().ranks(); ++rank) send(mine, rank);
        } else {
            send(mine, 0);
            receive(mine, 0);
        }
        team_.leave();
        team_.calls().set_stage("");
        if (!mine.text.empty()) {
            team_.fail(breach::mismatch, 0, mine.text);
            team_.raise();
        }
        return mine.number;
    }

private:
    static constexpr int tag = 1 << 10;
    static constexpr char between = '\x1f', after = '\x1e';

    struct message {
        std::uint64_t number;
        std::string text;
    };

    static std::string packed(facts const& all) {
        std::string text;
        for (auto const& [name, value] : all) text += name + between + value + after;
        return text;
    }
    static facts unpacked(std::string const& text) {
        facts all;
        for (std::size_t at = 0; at < text.size();) {
            std::size_t const middle = text.find(between, at), end = text.find(after, middle);
            all.emplace_back(text.substr(at, middle - at), text.substr(middle + 1, end - middle - 1));
            at = end + 1;
        }
        return all;
    }

    void send(message const& words, std::size_t to) {
        head_[0] = words.number;
        head_[1] = words.text.size();
        batch_.send(head_, sizeof head_, to, tag);
        batch_.send(words.text.data(), words.text.size(), to, tag);
        team_.wait(batch_, true);
    }
    void receive(message& words, std::size_t from) {
        batch_.receive(head_, sizeof head_, from, tag);
        team_.wait(batch_, true);
        words.number = head_[0];
        text_.resize(head_[1]);
        batch_.receive(text_.data(), text_.size(), from, tag);
        team_.wait(batch_, true);
        words.text = text_;
    }

    /// The answer of the first rank: the smallest number, and the fields that differ.
    message verdict(facts const& own, std::uint64_t number) {
        message result{number, {}};
        std::vector<facts> all(team_.mesh().ranks());
        all[0] = own;
        for (std::size_t rank = 1; rank < all.size(); ++rank) {
            message words{};
            receive(words, rank);
            result.number = std::min(result.number, words.number);
            all[rank] = unpacked(words.text);
        }
        for (auto const& [name, value] : own) compare(result.text, all, name);
        for (auto const& [name, value] : all.back()) compare(result.text, all, name);
        if (!result.text.empty()) result.text = "the ranks do not run the same program: " + result.text;
        return result;
    }

    /// Appends "strategy is A on ranks 0 1 and B on rank 2", once.
    static void compare(std::string& text, std::vector<facts> const& all, std::string const& name) {
        std::map<std::string, std::vector<std::size_t>> ranks_of;
        for (std::size_t rank = 0; rank < all.size(); ++rank) {
            auto const found = std::find_if(all[rank].begin(), all[rank].end(),
                                            [&](auto const& fact) { return fact.first == name; });
            ranks_of[found == all[rank].end() ? "absent" : found->second].push_back(rank);
        }
        std::string const head = name + " is ";
        if (ranks_of.size() == 1 || text.find(head) != std::string::npos) return;
        text += (text.empty() ? "" : "; ") + head;
        std::string link;
        for (auto const& [value, ranks] : ranks_of) {
            text += link + value + (ranks.size() == 1 ? " on rank" : " on ranks");
            for (std::size_t const rank : ranks) (text += ' ') += std::to_string(rank);
            link = " and ";
        }
    }

    team& team_;
    message_batch batch_;
    std::uint64_t head_[2] = {};
    std::string text_;
};

}  // namespace meshwise::mpi_detail
