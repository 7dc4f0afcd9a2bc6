// Loss curves: well-formed XML whatever is drawn, points where they belong, files whole or absent.
#include <doctest/doctest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <sstream>

#include <meshwise/report/loss_curve.hpp>

namespace mw = meshwise;
namespace fs = std::filesystem;

namespace {

/// The elements of an XML text, or why it is not well-formed.
struct xml {
    struct element {
        std::string name;
        std::map<std::string, std::string> attributes;
    };
    std::vector<element> elements;
    std::string words;  // all text between tags
    std::string fault;

    explicit xml(std::string const& text) {
        std::vector<std::string> open;
        std::size_t at = 0;
        auto const broken = [&](std::string const& why) { fault = why + " at byte " + std::to_string(at); };
        auto const checked = [&](std::string const& part) {
            for (std::size_t i = 0; i < part.size() && fault.empty(); ++i) {
                if (static_cast<unsigned char>(part[i]) < 0x20 && part[i] != '\n')
                    broken("a control character");
                if (part[i] == '<') broken("a bare <");
                if (part[i] != '&') continue;
                bool known = false;
                for (std::string const entity : {"&amp;", "&lt;", "&gt;", "&quot;"})
                    known = known || part.compare(i, entity.size(), entity) == 0;
                if (!known) broken("a bare &");
            }
            return part;
        };
        while (at < text.size() && fault.empty()) {
            if (text[at] != '<') {
                auto const next = std::min(text.find('<', at), text.size());
                words += checked(text.substr(at, next - at));
                at = next;
                if (open.empty() && next < text.size()) broken("text outside the root");
                continue;
            }
            auto const end = text.find('>', at);
            if (end == text.npos) {
                broken("a tag without end");
                return;
            }
            std::string tag = text.substr(at + 1, end - at - 1);
            at = end + 1;
            if (tag.starts_with("/")) {
                if (open.empty() || open.back() != tag.substr(1)) {
                    broken("a wrong end tag " + tag);
                    return;
                }
                open.pop_back();
                words += '\n';
                continue;
            }
            bool const single = tag.ends_with("/");
            if (single) tag.pop_back();
            element e{tag.substr(0, tag.find_first_of(" \n")), {}};
            for (std::size_t i = e.name.size(); i < tag.size();) {
                i = tag.find_first_not_of(" \n", i);
                if (i == tag.npos) break;
                auto const equals = tag.find("=\"", i);
                auto const quote = equals == tag.npos ? equals : tag.find('"', equals + 2);
                if (quote == tag.npos) {
                    broken("an attribute without value");
                    return;
                }
                if (!e.attributes
                         .emplace(tag.substr(i, equals - i),
                                  checked(tag.substr(equals + 2, quote - equals - 2)))
                         .second) {
                    broken("an attribute twice");
                    return;
                }
                i = quote + 1;
            }
            if (open.empty() && !elements.empty()) {
                broken("a second root");
                return;
            }
            if (!single) open.push_back(e.name);
            elements.push_back(std::move(e));
        }
        if (fault.empty() && !open.empty()) broken("an open " + open.back());
    }
    std::vector<element> all(std::string const& name, std::string const& kind = "") const {
        std::vector<element> found;
        for (auto const& e : elements)
            if (e.name == name &&
                (kind.empty() || (e.attributes.count("class") && e.attributes.at("class").starts_with(kind))))
                found.push_back(e);
        return found;
    }
};

/// The points of a path, and how many lines it has.
std::pair<std::vector<std::pair<double, double>>, std::size_t> points_of(std::string d) {
    std::pair<std::vector<std::pair<double, double>>, std::size_t> found{};
    std::size_t at = 0;
    while ((at = d.find("h0")) != d.npos) d.replace(at, 2, "  ");
    for (char& c : d) {
        found.second += c == 'M';
        if (c == 'M' || c == 'L') c = ' ';
    }
    std::istringstream stream(d);
    for (double x = 0, y = 0; stream >> x >> y;) found.first.emplace_back(x, y);
    return found;
}

struct workplace {
    fs::path at = fs::temp_directory_path() / ("meshwise-loss-curve-" + std::to_string(::getpid()));
    workplace() {
        fs::remove_all(at);
        fs::create_directories(at);
    }
    ~workplace() { fs::remove_all(at); }
    std::set<std::string> files() const {
        std::set<std::string> names;
        for (auto const& entry : fs::directory_iterator(at)) names.insert(entry.path().filename().string());
        return names;
    }
};

std::string content(fs::path const& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("the checker of these tests finds faults") {
    CHECK(xml("<a b=\"1\"><c/>x &amp; y</a>\n").fault.empty());
    for (auto const* bad : {"<a>", "<a></b>", "<a b=1/>", "<a b=\"1\" b=\"2\"/>", "<a>&</a>", "<a>\x01</a>",
                            "<a/><b/>", "<a b=\"<\"/>", "<a"})
        CHECK_MESSAGE(!xml(bad).fault.empty(), bad);
}

TEST_CASE("any names and numbers give well-formed XML") {
    double const inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
    std::vector<std::vector<std::pair<double, double>>> const data{{},
                                                                   {{1, 2}},
                                                                   {{1, nan}},
                                                                   {{nan, 1}, {inf, 2}, {3, -inf}},
                                                                   {{0, 0}, {0, 0}},
                                                                   {{1, 1e300}, {2, -1e300}},
                                                                   {{1, 1e149}, {2, -1e149}},
                                                                   {{1, 1e-300}, {2, 2e-300}},
                                                                   {{-5, -1}, {5, 1}},
                                                                   {{1e12, 3}, {1e12 + 1, 4}},
                                                                   {{1, 1e9}, {2, 1e9 + 1e-3}},
                                                                   {{3, 1}, {2, 2}, {1, 3}}};
    for (auto const& points : data)
        for (std::string const name :
             {"train", "", "<&>\"'", "\x01\x1b\x7f", "\xff\xc0\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\x89",
              "\xed\xa0\x80\xef\xbf\xbf", "a name so long that it cannot stand beside the picture",
              "\xe2\x82"}) {
            mw::loss_curve curve({.title = name, .x_label = name, .y_label = name});
            curve.smooth(name, 0.9);
            for (auto [x, y] : points) curve.add(name, x, y);
            std::string const picture = curve.svg();
            xml const parsed(picture);
            CHECK_MESSAGE(parsed.fault.empty(), parsed.fault, " in ", picture);
            for (auto const& e : parsed.elements)
                for (auto const& [key, value] : e.attributes) {
                    bool const number = value.find("nan") == value.npos && value.find("inf") == value.npos;
                    CHECK_MESSAGE(number, key, "=", value);
                }
        }
    CHECK(xml(mw::loss_curve().svg()).words.find("no data yet") != std::string::npos);
}

TEST_CASE("names are shown, escaped and cut, what is not UTF-8 is a question mark") {
    using mw::detail::xml_text;
    CHECK(xml_text("a<b>&\"c\"", 40) == "a&lt;b&gt;&amp;&quot;c&quot;");
    CHECK(xml_text("\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\x89", 40) == "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\x89");
    CHECK(xml_text("\x01\n\x7f\xff\xc0\xaf\xed\xa0\x80\xe2\x82", 40) == "???????????");
    CHECK(xml_text("\xef\xbf\xbe\xef\xbf\xbd", 40) == "???\xef\xbf\xbd");
    CHECK(xml_text("abcdefghij", 6) == "abcde\xe2\x80\xa6");
    mw::loss_curve curve({.title = "Tom & Jerry", .x_label = "tokens", .y_label = "nats"});
    curve.add("train", 1, 2.5);
    curve.add("test", 1, 1.25);
    std::string const words = xml(curve.svg()).words;
    for (char const* word : {"Tom &amp; Jerry", "tokens", "nats", "train", "2.5", "test", "1.25"})
        CHECK_MESSAGE(words.find(word) != std::string::npos, word);
}

TEST_CASE("a picture carries colours for light pages, and for dark ones") {
    mw::loss_curve curve;
    for (int s = 0; s < 8; ++s) curve.add("series " + std::to_string(s), 1, s);
    std::string const picture = curve.svg();
    CHECK(picture.find("@media (prefers-color-scheme: dark)") != std::string::npos);
    for (auto const& e : xml(picture).all("path", "line")) {
        CHECK(e.attributes.count("stroke") == 1);
        CHECK(picture.find("." + e.attributes.at("class") + "{stroke:#") != std::string::npos);
    }
    auto const lines = xml(picture).all("path", "line");
    REQUIRE(lines.size() == 8);
    CHECK(lines[0].attributes.at("stroke") == lines[6].attributes.at("stroke"));
    CHECK(lines[0].attributes.count("stroke-dasharray") == 0);
    CHECK(lines[6].attributes.count("stroke-dasharray") == 1);  // colours begin again, dashed
}

TEST_CASE("points lie where the scales say, gaps interrupt the line") {
    mw::loss_curve curve;
    std::vector<double> const y{5, 4, 3, std::nan(""), 2, 1};
    for (std::size_t i = 0; i < y.size(); ++i) curve.add("a", static_cast<double>(i) * 10, y[i]);
    xml const parsed(curve.svg());
    REQUIRE(parsed.fault.empty());
    auto const [points, lines] = points_of(parsed.all("path", "line").at(0).attributes.at("d"));
    CHECK(lines == 2);
    REQUIRE(points.size() == 5);
    for (std::size_t i = 1; i < points.size(); ++i) {
        double const steps = i == 3 ? 2 : 1;  // over the gap
        CHECK(points[i].first - points[i - 1].first ==
              doctest::Approx(steps * (points[4].first - points[0].first) / 5).epsilon(0.01));
        CHECK(points[i].second - points[i - 1].second ==
              doctest::Approx((points[4].second - points[0].second) / 4).epsilon(0.01));
    }
    CHECK(points[0].second < points[4].second);  // up is more
    // the tick labelled 3 is where the point 3 is
    double at_three = 0;
    std::string const picture = curve.svg();
    auto const label = picture.find(">3</text>");
    REQUIRE(label != std::string::npos);
    auto const open = picture.rfind("<text", label);
    auto const y_at = picture.find(" y=\"", open);
    at_three = std::stod(picture.substr(y_at + 4));
    CHECK(at_three == doctest::Approx(points[2].second + 4.5).epsilon(0.001));
}

TEST_CASE("a million points make a small picture that still shows each spike") {
    mw::loss_curve curve;
    for (int i = 0; i < 1000000; ++i) curve.add("a", i, i == 777777 ? 9 : i == 333333 ? -9 : 0.001 * (i % 7));
    std::string const picture = curve.svg();
    CHECK(picture.size() < 150000);
    auto const [points, lines] = points_of(xml(picture).all("path", "line").at(0).attributes.at("d"));
    CHECK(lines == 1);
    double highest = 1e9, lowest = 0;
    for (auto [x, y] : points) highest = std::min(highest, y), lowest = std::max(lowest, y);
    CHECK(highest < 130);
    CHECK(lowest > 350);
}

TEST_CASE("names at the ends of lines do not lie on each other") {
    for (double end : {0.0, 5.0, 10.0}) {  // all at the bottom, in the middle, at the top
        mw::loss_curve curve;
        curve.add("range", 0, 0);
        for (int s = 0; s < 12; ++s) {
            curve.add("series " + std::to_string(s), 0, 10);
            curve.add("series " + std::to_string(s), 1, end - 0.001 * s);
        }
        std::vector<double> y;
        xml const parsed(curve.svg());
        for (auto const& e : parsed.all("text"))
            if (e.attributes.at("text-anchor") == "start" && e.attributes.at("x") != "24.0")
                y.push_back(std::stod(e.attributes.at("y")));
        REQUIRE(y.size() == 13);
        std::sort(y.begin(), y.end());
        for (std::size_t i = 1; i < y.size(); ++i) CHECK(y[i] - y[i - 1] > 15);
        CHECK(y.back() < 410);
        CHECK(y.front() > 80);
    }
}

TEST_CASE("smoothing is a mean of both sides that does not lag") {
    using point = mw::loss_curve::point;
    std::vector<point> points;
    for (int i = 0; i < 40; ++i)
        points.push_back({static_cast<double>(i), i == 17 ? std::nan("") : std::sin(i * 1.3) + 0.1 * i});
    for (double factor : {0.0, 0.5, 0.9}) {
        auto const smooth = mw::loss_curve::smoothed(points, factor);
        REQUIRE(smooth.size() == 40);
        for (int i = 0; i < 40; ++i) {
            CHECK(smooth[static_cast<std::size_t>(i)].x == i);
            if (i == 17) {
                CHECK(std::isnan(smooth[17].y));
                continue;
            }
            double sum = 0, weight = 0;
            for (int j = 0; j < 40; ++j) {
                if (j == 17) continue;
                int apart = 0;  // points between, not counting what is not a number
                for (int k = std::min(i, j); k < std::max(i, j); ++k) apart += k != 17;
                double const w = apart == 0 ? 1 : std::pow(factor, apart);
                sum += w * points[static_cast<std::size_t>(j)].y;
                weight += w;
            }
            CHECK(smooth[static_cast<std::size_t>(i)].y == doctest::Approx(sum / weight));
        }
    }
    mw::loss_curve curve;
    curve.smooth("a", 0.9);
    for (point p : points) curve.add("a", p.x, p.y);
    CHECK(xml(curve.svg()).all("path", "line").size() == 2);  // the points faintly, the mean above
    for (double bad : {-0.1, 1.0, std::nan("")})
        CHECK_THROWS_WITH_AS(curve.smooth("a", bad),
                             doctest::Contains("give a factor of at least 0 and less than 1"), mw::error);
}

TEST_CASE("ticks are round and cover the range") {
    struct expectation {
        double low, high;
        std::vector<std::string> labels;
    };
    std::vector<expectation> const expected{
        {1.3, 5.4, {"1", "2", "3", "4", "5", "6"}},
        {0, 1, {"0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
        {0, 20000, {"0", "5k", "10k", "15k", "20k"}},
        {-0.02, 0.03, {"-0.02", "-0.01", "0", "0.01", "0.02", "0.03"}},
        {0, 3e6, {"0", "0.5M", "1M", "1.5M", "2M", "2.5M", "3M"}},
        {2.5, 2.5, {"1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0"}},
    };
    for (auto const& e : expected) {
        mw::detail::ticks const t(e.low, e.high, 5);
        std::vector<std::string> labels;
        for (std::size_t i = 0; i < t.count(); ++i) labels.push_back(t.label(i));
        CHECK(labels == e.labels);
    }
    for (double scale = 1e-140; scale < 1e140; scale *= 3.7)
        for (double start : {-1.0, 0.0, 0.3, 1.0, 1e6}) {
            mw::detail::ticks const t(start * scale, (start + 1) * scale, 5);
            CHECK(t.count() >= 2);
            CHECK(t.count() <= 13);
            CHECK(t.low() <= start * scale + 1e-5 * scale);
            CHECK(t.high() >= (start + 1) * scale - 1e-5 * scale);
        }
}

TEST_CASE("a file is replaced whole, and nothing is left beside it") {
    workplace const here;
    mw::loss_curve curve;
    curve.add("a", 1, 2);
    curve.write(here.at / "loss.svg");
    CHECK(content(here.at / "loss.svg") == curve.svg());
    curve.add("a", 2, 1);
    curve.write(here.at / "loss.svg");
    CHECK(content(here.at / "loss.svg") == curve.svg());
    CHECK(here.files() == std::set<std::string>{"loss.svg"});
}

TEST_CASE("a file that cannot be written is one sentence, and the old one stays") {
    workplace const here;
    mw::loss_curve curve;
    curve.add("a", 1, 2);
    auto const refusal = [&](fs::path const& path) -> std::string {
        try {
            curve.write(path);
        } catch (mw::output_error const& e) { return e.what(); }
        return "it was written";
    };
    auto const sentence = [](fs::path const& path, char const* why) {
        return "loss curve '" + path.string() + "' cannot be written: " + why +
               "; give a file in an existing folder with free space";
    };
    CHECK(refusal(here.at / "none" / "loss.svg") ==
          sentence(here.at / "none" / "loss.svg", "No such file or directory"));
    fs::create_directory(here.at / "folder");
    CHECK(refusal(here.at / "folder") == sentence(here.at / "folder", "Is a directory"));
    CHECK(here.files() == std::set<std::string>{"folder"});

    curve.write(here.at / "loss.svg");
    std::string const old = content(here.at / "loss.svg");
    for (int i = 0; i < 500; ++i) curve.add("a", i, i % 9);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit small{1000, before.rlim_max};  // a disk with room for half a picture
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    std::string const said = refusal(here.at / "loss.svg");
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK(said == "loss curve '" + (here.at / "loss.svg").string() +
                      "' cannot be written: File too large; free some space or give another place");
    CHECK(content(here.at / "loss.svg") == old);
    CHECK(here.files() == std::set<std::string>{"folder", "loss.svg"});
}
