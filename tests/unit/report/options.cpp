// The command line of the examples: values, refusals in their exact words, the help page, exit codes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <fstream>
#include <initializer_list>
#include <optional>

#include "../examples/apps/common/options.hpp"

namespace mw = meshwise;

namespace {

struct program {
    std::size_t steps = 100;
    int offset = -3;
    double rate = 0.001;
    float factor = 2;
    std::uint64_t seed = 1;
    bool quiet = false;
    std::string prompt = "To be";
    std::string optimizer = "adamw";
    std::filesystem::path data = "text.txt";
    std::string out, err;

    std::optional<int> operator()(std::initializer_list<char const*> words) {
        examples::options options("train", "Trains a small model.");
        options.number("steps", steps, "training steps", examples::between<std::size_t>(1, 5000));
        options.number("offset", offset, "where to begin");
        options.number("rate", rate, "learning rate", examples::between(0.0, 1.0));
        options.number("factor", factor, "growth", examples::at_least(0.5F));
        options.number("seed", seed, "where random numbers start");
        options.flag("quiet", quiet, "print only the result");
        options.text("prompt", prompt, "what the sample goes on from");
        options.choice("optimizer", optimizer, {"sgd", "adamw"}, "how parameters are updated");
        options.path("data", data, "the text to learn");
        std::vector<char const*> argv{"./train"};
        argv.insert(argv.end(), words.begin(), words.end());
        std::ostringstream o, e;
        auto const code = options.parse(static_cast<int>(argv.size()), argv.data(), o, e);
        out = o.str();
        err = e.str();
        return code;
    }
    /// The sentence of a refusal.
    std::string refused(std::initializer_list<char const*> words) {
        CHECK((*this)(words) == 2);
        CHECK(out.empty());
        CHECK(err.starts_with("train: "));
        CHECK(err.ends_with("\n"));
        CHECK(std::count(err.begin(), err.end(), '\n') == 1);
        return err.size() > 8 ? err.substr(7, err.size() - 8) : err;
    }
};

int code_of(std::exception const& e, std::string const& sentence) {
    std::ostringstream err;
    examples::program_name() = "train";
    int const code = examples::report(e, err);
    CHECK(err.str() == "train: " + sentence + "\n");
    return code;
}

}  // namespace

TEST_CASE("options set their variables, in both spellings, and the rest keep their defaults") {
    program p;
    CHECK_FALSE(p({}));
    CHECK(p.steps == 100);
    CHECK_FALSE(p(
        {"--steps", "7", "--rate=1e-2", "--quiet", "--prompt", "", "--data", "a b.txt", "--optimizer=sgd"}));
    CHECK(p.steps == 7);
    CHECK(p.rate == 1e-2);
    CHECK(p.quiet);
    CHECK(p.prompt.empty());
    CHECK(p.data == "a b.txt");
    CHECK(p.optimizer == "sgd");
    CHECK(p.seed == 1);
    CHECK_FALSE(p({"--offset", "-12", "--prompt=--x=y", "--factor", "0.5", "--seed", "18446744073709551615",
                   "--steps", "1", "--steps", "5000"}));
    CHECK(p.offset == -12);
    CHECK(p.prompt == "--x=y");
    CHECK(p.factor == 0.5F);
    CHECK(p.seed == UINT64_MAX);
    CHECK(p.steps == 5000);  // the last counts
    CHECK(p.err.empty());
    CHECK(p.out.empty());
}

TEST_CASE("each mistake is one sentence that names the option and what it takes") {
    program p;
    CHECK(p.refused({"--stepz", "7"}) ==
          "there is no option --stepz; did you mean --steps? --help lists all");
    CHECK(p.refused({"--sed=7"}) == "there is no option --sed; did you mean --seed? --help lists all");
    CHECK(p.refused({"--sax"}) == "there is no option --sax; --help lists all");
    CHECK(p.refused({"--entirely-other"}) == "there is no option --entirely-other; --help lists all");
    CHECK(p.refused({"file.txt"}) ==
          "'file.txt' is not an option; options look like --name value, and --help lists them");
    CHECK(p.refused({"--"}) ==
          "'--' is not an option; options look like --name value, and --help lists them");
    CHECK(p.refused({"-s"}) ==
          "'-s' is not an option; options look like --name value, and --help lists them");
    CHECK(p.refused({""}) == "'' is not an option; options look like --name value, and --help lists them");
    CHECK(p.refused({"--steps"}) == "--steps needs a value: a whole number from 1 to 5000");
    CHECK(p.refused({"--steps", "--quiet"}) == "--steps needs a value: a whole number from 1 to 5000");
    CHECK(p.refused({"--quiet=yes"}) == "--quiet takes no value, but was given 'yes'; write --quiet alone");
    for (std::string const bad :
         {"", "abc", "1.5", "1e3", "-1", "0", "5001", "7 ", " 7", "7x", "0x10", "99999999999999999999999"})
        CHECK(p.refused({("--steps=" + bad).c_str()}) ==
              "--steps was given '" + bad + "'; it takes a whole number from 1 to 5000");
    for (std::string const bad : {"", "nan", "inf", "1e999", "1.5", "-0.1", "0.5x", " 0.5", "0,5"})
        CHECK(p.refused({("--rate=" + bad).c_str()}) ==
              "--rate was given '" + bad + "'; it takes a number from 0 to 1");
    CHECK(p.refused({"--factor", "0.4"}) == "--factor was given '0.4'; it takes a number of at least 0.5");
    CHECK(p.refused({"--offset", "x"}) == "--offset was given 'x'; it takes a whole number");
    CHECK(p.refused({"--offset", "2147483648"}) ==
          "--offset was given '2147483648'; it takes a whole number");
    CHECK(p.refused({"--seed", "-1"}) == "--seed was given '-1'; it takes a whole number of at least 0");
    CHECK(p.refused({"--optimizer", "adam"}) == "--optimizer was given 'adam'; it takes one of sgd, adamw");
    CHECK(p.refused({"--data="}) == "--data was given ''; it takes the path of a file");
    CHECK(p.steps == 100);
    CHECK(p.rate == 0.001);
}

TEST_CASE("the help page lists every option with its default, below 81 columns") {
    program p;
    CHECK(p({"--quiet", "--help"}) == 0);
    CHECK(p.err.empty());
    CHECK(p.out == "train: Trains a small model.\n\nusage: train [options]\n\n"
                   "  --steps N         training steps (default: 100)\n"
                   "  --offset N        where to begin (default: -3)\n"
                   "  --rate X          learning rate (default: 0.001)\n"
                   "  --factor X        growth (default: 2)\n"
                   "  --seed N          where random numbers start (default: 1)\n"
                   "  --quiet           print only the result\n"
                   "  --prompt TEXT     what the sample goes on from (default: To be)\n"
                   "  --optimizer WORD  how parameters are updated: one of sgd, adamw (default:\n"
                   "                    adamw)\n"
                   "  --data FILE       the text to learn (default: text.txt)\n"
                   "  --help            this page\n");
    CHECK(p({"-h"}) == 0);
}

TEST_CASE("each kind of failure has its exit code") {
    CHECK(code_of(mw::input_error("no such text"), "no such text") == 65);
    CHECK(code_of(mw::error("a check failed"), "a check failed") == 70);
    CHECK(code_of(std::logic_error("a fault"), "a fault") == 70);
    CHECK(code_of(mw::collective_error("ranks disagree"), "ranks disagree") == 70);
    CHECK(code_of(mw::peer_failed("rank 1 failed"), "rank 1 failed") == 71);
    CHECK(code_of(mw::deadline_exceeded("rank 1 is late"), "rank 1 is late") == 71);
    CHECK(code_of(mw::output_error("disk full"), "disk full") == 74);
    std::filesystem::filesystem_error const missing("cannot rename",
                                                    std::make_error_code(std::errc::io_error));
    CHECK(code_of(missing, missing.what()) == 74);
    CHECK(code_of(std::bad_alloc(), "there is not enough memory; take a smaller model or batch") == 70);
}

TEST_CASE("standard output that could not be written is an error, once and in one sentence") {
    std::ostringstream err;
    examples::program_name() = "train";
    std::FILE* const full = std::fopen("/dev/full", "r+");  // never makes a file
    REQUIRE(full != nullptr);
    std::setvbuf(full, nullptr, _IOFBF, 4096);
    std::fputs("a line\n", full);
    CHECK(examples::finish(0, full, err) == 74);
    CHECK(err.str() ==
          "train: standard output could not be written: No space left on device; make room where it goes, or "
          "send it elsewhere\n");
    err.str("");
    CHECK(examples::finish(0, full, err) == 74);  // what was lost stays lost
    CHECK(err.str() ==
          "train: standard output could not be written; make room where it goes, or send it elsewhere\n");
    err.str("");
    CHECK(examples::finish(70, full, err) == 70);  // the first cause counts, and has been told
    CHECK(err.str().empty());
    std::fclose(full);

    std::FILE* const whole = std::tmpfile();
    std::fputs("a line\n", whole);
    CHECK(examples::finish(0, whole, err) == 0);
    CHECK(examples::finish(1, whole, err) == 1);
    CHECK(err.str().empty());
    std::fclose(whole);

    std::ostringstream out;
    out.setstate(std::ios::badbit);
    char const* const words[] = {"train", "--help"};
    CHECK(examples::options("train", "Trains.").parse(2, words, out, err) == 74);
    CHECK(err.str() == "train: standard output could not be written\n");
}
