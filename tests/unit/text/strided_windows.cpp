// strided_windows: every token but the first is scored once, with as much before it as promised.
#include <algorithm>

#include <doctest/doctest.h>

#include <meshwise/text/batches/strided_windows.hpp>

namespace mw = meshwise;

TEST_CASE("each token is scored once, behind at least context - stride others") {
    for (std::size_t length = 2; length < 40; ++length)
        for (std::size_t context = 1; context <= 12; ++context)
            for (std::size_t stride = 1; stride <= context; ++stride) {
                CAPTURE(length);
                CAPTURE(context);
                CAPTURE(stride);
                std::vector<std::int32_t> ids(length);
                for (std::size_t i = 0; i < length; ++i) ids[i] = static_cast<std::int32_t>(100 + i);
                std::vector<int> scored(length, 0);
                bool good = true;
                std::size_t number = 0;
                for (auto const& one : mw::strided_windows(ids, context, stride)) {
                    good = good && one.inputs.size() <= context && one.inputs.size() == one.labels.size();
                    for (std::size_t i = 0; i < one.inputs.size(); ++i) {
                        good = good && one.inputs[i] == static_cast<std::int32_t>(100 + number * stride + i);
                        if (one.labels[i] == mw::ignore_index) continue;
                        good = good && one.labels[i] == one.inputs[i] + 1;
                        good = good && (number == 0 || i + 1 > context - stride);
                        ++scored[static_cast<std::size_t>(one.labels[i]) - 100];
                    }
                    ++number;
                }
                CHECK(good);
                CHECK(scored[0] == 0);
                CHECK(std::count(scored.begin() + 1, scored.end(), 1) ==
                      static_cast<std::ptrdiff_t>(length) - 1);
            }
}

TEST_CASE("windows that cannot be are refused") {
    std::vector<std::int32_t> const ids{1, 2, 3};
    CHECK_THROWS_WITH_AS(mw::strided_windows(ids, 4, 5), doctest::Contains("give a stride from 1"),
                         mw::error);
    CHECK_THROWS_AS(mw::strided_windows(ids, 4, 0), mw::error);
    CHECK_THROWS_AS(mw::strided_windows(ids, 0, 0), mw::error);
    CHECK_THROWS_WITH_AS(mw::strided_windows({}, 4, 2), doctest::Contains("no next token"), mw::error);
    CHECK_THROWS_AS(mw::strided_windows(std::span(ids).first(1), 4, 2), mw::error);
}
