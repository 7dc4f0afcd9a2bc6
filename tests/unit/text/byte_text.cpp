// byte_text: what is refused and in which words, and text that comes out safely however it is cut.
#include <doctest/doctest.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include <meshwise/text/tokenizers/byte_text.hpp>

namespace mw = meshwise;
namespace fs = std::filesystem;

namespace {

/// An empty directory that is gone at the end of the test.
struct workplace {
    fs::path at = fs::temp_directory_path() / ("meshwise-byte-text-" + std::to_string(::getpid()));
    workplace() {
        fs::remove_all(at);
        fs::create_directories(at);
    }
    ~workplace() { fs::remove_all(at); }
    fs::path file(std::string const& name, std::string const& bytes) const {
        std::ofstream(at / name, std::ios::binary) << bytes;
        return at / name;
    }
};

std::string refusal(auto&& f) {
    try {
        f();
    } catch (mw::input_error const& e) { return e.what(); }
    return "nothing was refused";
}

std::string whole(std::string_view bytes) { return mw::byte_text::decode(mw::byte_text::encode(bytes)); }

constexpr std::string_view bad = "\xef\xbf\xbd";  // U+FFFD

}  // namespace

TEST_CASE("a byte text holds exactly the bytes of its file") {
    workplace const here;
    std::string every;
    for (int i = 0; i < 3000; ++i) every += static_cast<char>(i * 7);
    auto const text = mw::byte_text::from_file(here.file("every", every), 3000);
    REQUIRE(text.size() == 3000);
    for (std::size_t i = 0; i < 3000; ++i) CHECK(text[i] == static_cast<std::int32_t>(i * 7 % 256));
    CHECK(text.bytes() == every);

    std::string const large((std::size_t{1} << 20U) * 2 + 17, 'x');  // longer than one read
    CHECK(mw::byte_text::from_file(here.file("large", large)).bytes() == large);
    std::string const chunk(std::size_t{1} << 20U, 'y');  // exactly one read
    CHECK(mw::byte_text::from_file(here.file("chunk", chunk)).bytes() == chunk);

    auto const both = mw::byte_text::from_files({here.file("a", "ab\n"), here.file("b", "cd")}, 5);
    CHECK(both.bytes() == "ab\ncd");
    CHECK(mw::byte_text::from_files({here.at / "a"}).bytes() == "ab\n");
    CHECK(mw::byte_text::from_string("hello").bytes() == "hello");
}

TEST_CASE("copies of a text share its bytes, digests tell texts apart") {
    auto const text = mw::byte_text::from_string("to be or not to be");
    auto const copy = text;
    CHECK(copy.bytes().data() == text.bytes().data());
    CHECK(text.digest() == mw::byte_text::from_string("to be or not to be").digest());
    CHECK(text.digest() != mw::byte_text::from_string("to be or not to bf").digest());
    CHECK(mw::byte_text::from_string(std::string_view("\0", 1)).digest() !=
          mw::byte_text::from_string(std::string_view("\0\0", 2)).digest());
}

TEST_CASE("each file of no use is refused in one sentence that names it") {
    workplace const here;
    auto const from = [](fs::path const& path, std::size_t n = 1) {
        return refusal([&] { mw::byte_text::from_file(path, n); });
    };
    auto const name = [&](char const* file) { return "'" + (here.at / file).string() + "'"; };

    CHECK(from(here.at / "none") ==
          "text file " + name("none") + " does not exist; give the path of a text file");
    CHECK(from(here.at / "none" / "deeper") ==
          "text file " + name("none/deeper") + " does not exist; give the path of a text file");
    CHECK(from("") == "text file '' does not exist; give the path of a text file");
    fs::create_directory(here.at / "folder");
    CHECK(from(here.at / "folder") == name("folder") + " is a directory; give the path of a text file");
    CHECK(from(here.file("empty", "")) ==
          "text file " + name("empty") + " is empty; give a text of at least 1 byte");
    CHECK(from(here.file("empty", ""), 65) ==
          "text file " + name("empty") + " is empty; give a text of at least 65 bytes");
    CHECK(from(here.file("short", "twelve bytes"), 65) ==
          "text file " + name("short") +
              " has 12 bytes, but one block needs 65 bytes; give a longer text or make the blocks shorter");
    CHECK(from(here.file("one", "x"), 2)
              .starts_with("text file " + name("one") + " has 1 byte, but one block needs 2 bytes"));
    REQUIRE(::mkfifo((here.at / "pipe").c_str(), 0600) ==
            0);  // nobody writes: opening it would wait for ever
    CHECK(from(here.at / "pipe") ==
          name("pipe") + " is not a regular file; copy the text into a file and give that");
    CHECK(from("/dev/zero") == "'/dev/zero' is not a regular file; copy the text into a file and give that");
    CHECK(from(here.at / "turn\x1b[31mred") == "text file '" + (here.at / "turn").string() +
                                                   std::string(bad) +
                                                   "[31mred' does not exist; give the path of a text file");
    CHECK(refusal([] { mw::byte_text::from_string("abc", 4); }) ==
          "the text has 3 bytes, but one block needs 4 bytes; give a longer text or make the blocks shorter");
    CHECK(refusal([] { mw::byte_text::from_string(""); }) ==
          "the text is empty; give a text of at least 1 byte");
    CHECK(refusal([] { mw::byte_text::from_files({}); }) == "no text file was given; give at least one");
    CHECK(refusal([&] { mw::byte_text::from_files({here.at / "short", here.at / "empty"}); }) ==
          "text file " + name("empty") + " is empty; leave it out or give another");
    CHECK(refusal([&] { mw::byte_text::from_files({here.at / "short", here.at / "one"}, 20); }) ==
          "the text of 2 files has 13 bytes, but one block needs 20 bytes; give a longer text or make "
          "the blocks shorter");
}

TEST_CASE("a file without permission is refused with the system's reason") {
    workplace const here;
    auto const closed = here.file("closed", "secret");
    fs::permissions(closed, fs::perms::none);
    fs::create_directory(here.at / "locked");
    auto const inside = here.file("locked/inside", "secret");
    fs::permissions(here.at / "locked", fs::perms::none);
    fs::permissions(here.at, fs::perms::all);
    int said[2];
    REQUIRE(::pipe(said) == 0);
    pid_t const child = ::fork();
    if (child == 0) {  // root may read everything, so the child is somebody else
        if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(1);
        std::string const answer = refusal([&] { mw::byte_text::from_file(closed); }) + "|" +
                                   refusal([&] { mw::byte_text::from_file(inside); });
        ::_exit(::write(said[1], answer.data(), answer.size()) == static_cast<ssize_t>(answer.size()) ? 0
                                                                                                      : 1);
    }
    REQUIRE(child > 0);
    ::close(said[1]);
    std::string answer(4096, '\0');
    ssize_t const got = ::read(said[0], answer.data(), answer.size());
    ::close(said[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    answer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    CHECK(answer ==
          "text file '" + closed.string() +
              "' cannot be opened: Permission denied; make it readable or give another|text file '" +
              inside.string() + "' cannot be opened: Permission denied; make it readable or give another");
    fs::permissions(here.at / "locked", fs::perms::all);
}

TEST_CASE("valid text is decoded unchanged") {
    for (std::string_view text : {"", "plain, with\nlines\tand tabs",
                                  "gr\xc3\xbc\xc3\x9f"
                                  "e",
                                  "\xe2\x82\xac 5", "\xf0\x9f\x8e\x89", "\xed\x9f\xbf", "\xee\x80\x80",
                                  "\xf4\x8f\xbf\xbf", "\xe0\xa0\x80", "\xf0\x90\x80\x80", "\xc2\xa0"})
        CHECK(whole(text) == text);
    CHECK(whole("\xf0\x9f\x8e\x89\xf0\x9f\x8e\x89").size() == 8);
}

TEST_CASE("what is not UTF-8, and control characters, are replaced one for one") {
    auto const marks = [](std::size_t n) {
        std::string s;
        for (std::size_t i = 0; i < n; ++i) s += bad;
        return s;
    };
    CHECK(whole("a\x1b[2Jb") == "a" + marks(1) + "[2Jb");
    CHECK(whole(std::string_view("\0\a\b\v\f\r\x7f", 7)) == marks(7));
    CHECK(whole("\xc2\x9b"
                "31m") == marks(1) + "31m");  // CSI as a C1 control character
    CHECK(whole("\x80") == marks(1));
    CHECK(whole("\xff\xfe") == marks(2));
    CHECK(whole("\xc0\xaf") == marks(2));          // overlong '/'
    CHECK(whole("\xe0\x80\xaf") == marks(3));      // overlong
    CHECK(whole("\xf0\x8f\xbf\xbf") == marks(4));  // overlong
    CHECK(whole("\xed\xa0\x80") == marks(3));      // a surrogate
    CHECK(whole("\xf4\x90\x80\x80") == marks(4));  // beyond U+10FFFF
    CHECK(whole("\xf5\x80\x80\x80") == marks(4));
    CHECK(whole("\xe2\x82") == marks(1));  // cut off: one for the maximal part
    CHECK(whole("\xf0\x9f\x8e"
                "A") == marks(1) + "A");
    CHECK(whole("\xe2\xe2\x82\xac") == marks(1) + "\xe2\x82\xac");
    // the example of the Unicode Standard, table 3-11
    CHECK(whole("\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64") ==
          "a" + marks(3) + "b" + marks(1) + "c" + marks(2) + "d");
}

TEST_CASE("a stream holds back a character until its last byte") {
    mw::text_decoder decoder;
    CHECK(decoder.push(0xf0) == "");
    CHECK(decoder.push(0x9f) == "");
    CHECK(decoder.push(0x8e) == "");
    CHECK(decoder.push(0x89) == "\xf0\x9f\x8e\x89");
    CHECK(decoder.push('x') == "x");
    CHECK(decoder.finish() == "");
    CHECK(decoder.push(0xe2) == "");
    CHECK(decoder.push(0x82) == "");
    CHECK(decoder.finish() == bad);
    CHECK(decoder.finish() == "");
    CHECK(decoder.push(0xac) == bad);  // the rest of a character that was given up
}

TEST_CASE("streaming gives the text of the whole, and always valid UTF-8") {
    std::uint32_t state = 7;
    auto const random = [&] { return state = state * 1664525U + 1013904223U, state >> 24U; };
    for (int round = 0; round < 2000; ++round) {
        std::string bytes;
        for (std::uint32_t n = random() % 24; n > 0; --n)
            bytes += static_cast<char>(random() % 3 == 0 ? random() : 0x80 | random());
        mw::text_decoder decoder;
        std::string streamed;
        for (std::int32_t id : mw::byte_text::encode(bytes)) streamed += decoder.push(id);
        streamed += decoder.finish();
        CHECK(streamed == whole(bytes));
        CHECK(whole(streamed) == streamed);  // decoding again replaces nothing: it was valid
    }
}

TEST_CASE("ids that are no bytes are refused") {
    CHECK_THROWS_WITH_AS(mw::byte_text::decode(std::vector<std::int32_t>{65, 256}),
                         "token id 256 is not a byte; a byte text has the ids 0 to 255", mw::error);
    CHECK_THROWS_WITH_AS(mw::text_decoder().push(-1),
                         "token id -1 is not a byte; a byte text has the ids 0 to 255", mw::error);
}
