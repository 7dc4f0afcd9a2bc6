// error: what every failed check of meshwise throws: one sentence that says what, where and what to do.
#pragma once

#include <stdexcept>

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error                                                                                                       \
    "meshwise: -ffast-math makes isnan(NaN) false and reorders sums; compile without -ffast-math and -ffinite-math-only"
#endif

namespace meshwise {

/// What every failed check throws: one sentence that says what, where and what to do.
/// Example:
/// try {
///     mw::load_weights(here, model, "model.safetensors");
/// } catch (mw::error const& e) {
///     std::cerr << e.what() << '\n';
/// }
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What a program was given to read is missing, unreadable or of no use: the fix is another input.
/// Example:
/// try {
///     mw::line_reader in("corpus.txt");
/// } catch (mw::input_error const& e) {
///     std::cerr << e.what() << '\n';
/// }
class input_error : public error {
public:
    using error::error;
};

/// A file could not be written: the fix is a path, a permission or room on the disk.
/// Example:
/// try {
///     mw::save_weights(here, model, "model.safetensors");
/// } catch (mw::output_error const& e) {
///     std::cerr << e.what() << '\n';
/// }
class output_error : public error {
public:
    using error::error;
};

}  // namespace meshwise
