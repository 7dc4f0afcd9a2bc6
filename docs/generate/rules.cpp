// Prints docs/rules.md: the manual entry of each rule from the comments of core/rules.hpp and core/element_rules.hpp, and for each relation of
// core/relations.hpp a table of what the compiler makes of every placement. No cell of a table is written by hand.
#include <meshwise/core/relations.hpp>
#include <meshwise/tensor/name.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace mw = meshwise;

// ---- what the compiler says of placements along one mesh axis ---------------------------------------------------
struct m : mw::mesh_axis<2> {};
struct g : mw::axis<2> {};  // an axis that both operands and the result carry
struct i : mw::axis<2> {};  // only the left operand and the result
struct j : mw::axis<2> {};  // only the right operand and the result
struct k : mw::axis<2> {};  // both operands, summed

using replicated = mw::layout<mw::mesh<m>>;
template <class Axis>
using split = mw::layout<mw::mesh<m>, mw::split<Axis, m>>;
using pending = mw::layout<mw::mesh<m>, mw::partial<m>>;
using pending_maximum = mw::layout<mw::mesh<m>, mw::partial<m, mw::maximum>>;

template <class Layout>
struct placement;
template <>
struct placement<replicated> {
    static std::string name() { return "R"; }
};
template <class Axis>
struct placement<split<Axis>> {
    static std::string name() { return "S@" + std::string(mw::name_of<Axis>()); }
};
template <>
struct placement<pending> {
    static std::string name() { return "P"; }
};
template <>
struct placement<pending_maximum> {
    static std::string name() { return "P\\<max\\>"; }
};

template <class Relation>
std::string outcome() {
    if constexpr (Relation::verdict::value)
        return "**" + placement<typename Relation::layout>::name() + "**";
    else {
        using rule = typename Relation::verdict::rule;
        return "[rule " + std::to_string(mw::detail::index_of<rule, mw::rules_catalogue> + 1) + "](#" +
               std::string(mw::name_of<rule>()) + ")";
    }
}

template <class Axes, class... Layout>
struct operands {};  // one operand in each of these layouts

template <template <class> class Relation, class Axes, class... Layout>
void print_row(operands<Axes, Layout...>) {
    ((std::cout << "| " << placement<Layout>::name() << " "), ...);
    std::cout << "|\n";
    ((static_cast<void>(sizeof(Layout)), std::cout << "|---"), ...);
    std::cout << "|\n";
    ((std::cout << "| " << outcome<Relation<mw::operand<Axes, Layout>>>() << " "), ...);
    std::cout << "|\n\n";
}

template <template <class, class> class Relation, class Y, class... Right, class X, class... Left>
void print_table(operands<X, Left...>, operands<Y, Right...>) {
    std::cout << "| left \\ right ";
    ((std::cout << "| " << placement<Right>::name() << " "), ...);
    std::cout << "|\n|---";
    ((static_cast<void>(sizeof(Right)), std::cout << "|---"), ...);
    std::cout << "|\n";
    auto const row = []<class L>(L*) {
        std::cout << "| " << placement<L>::name() << " ";
        ((std::cout << "| " << outcome<Relation<mw::operand<X, L>, mw::operand<Y, Right>>>() << " "), ...);
        std::cout << "|\n";
    };
    (row(static_cast<Left*>(nullptr)), ...);
    std::cout << "\n";
}

template <class X, class Y>
using product = mw::contraction<mw::axes<g, i, j>, X, Y>;
template <class X, class Y>
using element_wise = mw::element_wise<X, Y>;
template <class X>
using along_k = mw::along<k, X>;
template <class X>
using sum_over_k = mw::summation<mw::detail::list<k>, X>;

void print_tables() {
    using left =
        operands<mw::axes<g, i, k>, replicated, split<g>, split<i>, split<k>, pending, pending_maximum>;
    using right =
        operands<mw::axes<g, k, j>, replicated, split<g>, split<j>, split<k>, pending, pending_maximum>;
    using full = operands<mw::axes<g, i>, replicated, split<g>, split<i>, pending, pending_maximum>;
    using other = operands<mw::axes<g, j>, replicated, split<g>, split<j>, pending, pending_maximum>;
    using one = operands<mw::axes<g, k>, replicated, split<g>, split<k>, pending, pending_maximum>;

    std::cout << "### contraction\n\n"
                 "`mw::dot<k>(left, right)`, attention and embeddings: left (g, i, k), right (g, k, j), "
                 "result (g, i, j).\n\n";
    print_table<product>(left{}, right{});
    std::cout
        << "### element_wise\n\n"
           "`mw::map(f, left, right)`, activations, divisors: left (g, i), right (g, j), result (g, i, j).\n\n";
    print_table<element_wise>(full{}, other{});
    std::cout << "### addition\n\n"
                 "`left + right`, `left - right`: left (g, i), right (g, j), result (g, i, j).\n\n";
    print_table<mw::addition>(full{}, other{});
    std::cout << "### multiplication\n\n"
                 "`left * right`: left (g, i), right (g, j), result (g, i, j).\n\n";
    print_table<mw::multiplication>(full{}, other{});
    std::cout << "### addition_of_a_number\n\n"
                 "`x + 1`, `1 - x`: x (g, k), result (g, k).\n\n";
    print_row<mw::addition_of_a_number>(one{});
    std::cout << "### along\n\n"
                 "`mw::softmax<k>(x)`, norms, rotary positions: x (g, k), result (g, k).\n\n";
    print_row<along_k>(one{});
    std::cout << "### summation\n\n"
                 "`mw::sum<k>(x)`: x (g, k), result (g).\n\n";
    print_row<sum_over_k>(one{});
}

// ---- the catalogue, from the text of the rules --------------------------------------------------------------
struct entry {
    std::string name, comment, wrong, right, sentence;
};

std::string between(std::string const& line, char open, char close) {
    auto const first = line.find(open), last = line.rfind(close);
    return first == std::string::npos || last <= first ? "" : line.substr(first + 1, last - first - 1);
}

// Markdown takes <strategy> for a tag
std::string quoted(std::string const& sentence) {
    std::string text;
    for (char c : sentence) text += c == '<' || c == '>' ? std::string("\\") + c : std::string(1, c);
    return text;
}

void read_catalogue(std::istream&& text, std::vector<entry>& all) {
    entry next;
    bool quoted = false;
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("/// Wrong: "))
            next.wrong = line.substr(11);
        else if (line.starts_with("/// Right: "))
            next.right = line.substr(11);
        else if (line.starts_with("/// "))
            next.comment += (next.comment.empty() ? "" : " ") + line.substr(4);
        else if (line.starts_with("struct ") && !next.wrong.empty())
            next.name = line.substr(7, line.find(' ', 7) - 7);
        else if (line.find("static_assert(acceptable<") != std::string::npos)
            quoted = true;
        else if (quoted) {
            next.sentence = between(line, '"', '"');
            all.push_back(std::exchange(next, {}));
            quoted = false;
        } else if (line.empty())
            next = {};
    }
}

template <class... Rule>
bool is_complete(std::vector<entry> const& all, mw::detail::list<Rule...>) {
    std::vector<std::string> const names{std::string(mw::name_of<Rule>())...};
    if (all.size() != names.size()) return false;
    for (std::size_t at = 0; at < names.size(); ++at)
        if (all[at].name != names[at] || all[at].comment.empty() || all[at].wrong.empty() ||
            all[at].right.empty() || !all[at].sentence.starts_with("meshwise: ")) {
            std::cerr << "the entry of " << names[at]
                      << " in core/rules.hpp is not complete, or not in the order of rules_catalogue\n";
            return false;
        }
    return true;
}

int main() {
    auto const root = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
    std::vector<entry> all;
    for (auto const* file : {"rules.hpp", "element_rules.hpp"})
        read_catalogue(std::ifstream(root / "include" / "meshwise" / "core" / file), all);
    if (!is_complete(all, mw::rules_catalogue{})) {
        std::cerr << all.size() << " entries were read, the catalogue has " << mw::rules_catalogue::size
                  << " rules\n";
        return 1;
    }

    std::cout << "# Rules\n\n"
                 "<!-- printed by docs/generate/rules.cpp; scripts/generate_docs.sh rewrites it -->\n\n"
                 "What may be combined with what, and what the compiler says where it may not.\n"
                 "[troubleshooting.md](troubleshooting.md) shows the messages in full.\n\n"
                 "## Placements\n\n"
                 "How a tensor lies along one mesh axis:\n\n"
                 "| | |\n|---|---|\n"
                 "| R | replicated: each rank has the whole value |\n"
                 "| S@a | split: each rank has its slice of axis a |\n"
                 "| P | a pending sum: each rank has a summand |\n"
                 "| P\\<max\\> | a pending maximum: each rank has a candidate |\n\n"
                 "The tables say where the result lies, or which rule refuses the operation. All of them "
                 "hold for each mesh axis\n"
                 "by itself. `mw::reshard`, `mw::settle<S>` and the forms that take a strategy, such as "
                 "`mw::dot<S, k>`, move\n"
                 "operands to where the operation is allowed.\n\n"
                 "## Relations\n\n"
                 "A few relations serve every operation. Axes: g is carried by both operands, i and j by "
                 "one, k is summed or\n"
                 "normalised.\n\n";
    print_tables();
    std::cout << "## Refusals\n\n";
    for (std::size_t at = 0; at < all.size(); ++at)
        std::cout << (at == 0 ? "" : "\n") << "### " << all[at].name << "\n\nRule " << at + 1 << ". "
                  << all[at].comment << "\n\n> " << quoted(all[at].sentence)
                  << "\n\n- wrong: " << all[at].wrong << "\n- right: " << all[at].right << "\n";
}
