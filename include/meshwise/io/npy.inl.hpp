// Bodies of npy.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include <meshwise/io/npy.hpp>

namespace meshwise::detail {

inline constexpr std::string_view npy_magic("\x93NUMPY", 6);
inline constexpr std::uint64_t longest_npy_header = 1U << 16U;

struct npy_type {
    std::string_view descr;  // without the byte order
    stored_type type;
};
inline constexpr npy_type npy_types[] = {
    {"f4", stored_type::F32}, {"f8", stored_type::F64}, {"f2", stored_type::F16}, {"i4", stored_type::I32},
    {"i8", stored_type::I64}, {"i2", stored_type::I16}, {"i1", stored_type::I8},  {"u1", stored_type::U8},
    {"u2", stored_type::U16}, {"u4", stored_type::U32}, {"u8", stored_type::U64}, {"b1", stored_type::BOOL}};

MESHWISE_BODY void npy_file::fail(std::string const& why) const {
    throw input_error(path_in_quotes(file_.path()) + ": " + why);
}

MESHWISE_BODY npy_file::npy_file(std::string const& path, file_calls& calls) : file_(calls, path, O_RDONLY) {
    size_ = file_.size();
    std::string start(std::min<std::uint64_t>(size_, 12), '\0');
    file_.read(start.data(), start.size(), 0);
    if (start.size() < 12 || !start.starts_with(npy_magic))
        fail("this is not a .npy file; write one with numpy.save(path, array)");
    auto const byte = [&](std::size_t at) { return std::uint64_t{static_cast<unsigned char>(start[at])}; };
    if (byte(6) < 1 || byte(6) > 3)
        fail("this .npy file has version " + std::to_string(byte(6)) +
             ", and 1 to 3 are known; write it again with numpy.save(path, array)");
    bool const is_short = byte(6) == 1;
    std::uint64_t const length =
        is_short ? byte(8) | byte(9) << 8U : byte(8) | byte(9) << 8U | byte(10) << 16U | byte(11) << 24U;
    std::uint64_t const begin = is_short ? 10 : 12;
    if (length > longest_npy_header || length > size_ - begin)
        fail("the header of this .npy file claims " + std::to_string(length) +
             " bytes, which it does not have; copy the file again");
    std::string header(static_cast<std::size_t>(length), '\0');
    file_.read(header.data(), header.size(), begin);
    read_header(header);
    data_ = begin + length;
    auto const bytes = checked_bytes(shape_, type_);
    if (!bytes || *bytes != size_ - data_)
        fail("its header says " + shape_text(shape_) + " of " + std::string(stored_name(type_)) + ", but " +
             std::to_string(size_ - data_) + " bytes of elements follow; copy the file again");
}

// A dictionary of Python with three entries: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
MESHWISE_BODY void npy_file::read_header(std::string_view text) {
    auto const skip_spaces = [&] {
        while (!text.empty() && (text[0] == ' ' || text[0] == '\n')) text.remove_prefix(1);
    };
    auto const takes = [&](std::string_view token) {
        skip_spaces();
        if (!text.starts_with(token)) return false;
        text.remove_prefix(token.size());
        return true;
    };
    auto const need = [&](std::string_view token) {
        if (!takes(token))
            fail("the header of this .npy file is damaged: " + in_quotes(token) + " is missing before " +
                 in_quotes(text) + "; write it again with numpy.save(path, array)");
    };
    auto const quoted = [&] {
        skip_spaces();
        char const quote = text.starts_with('"') ? '"' : '\'';
        need(std::string_view(&quote, 1));
        std::size_t const length = std::min(text.find(quote), text.size());
        std::string_view const inside = text.substr(0, length);
        text.remove_prefix(length);
        need(std::string_view(&quote, 1));
        return inside;
    };
    auto const number = [&] {
        skip_spaces();
        std::uint64_t n = 0;
        auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
        if (failed != std::errc())
            fail("the shape in the header of this .npy file has " + in_quotes(text) +
                 " where a size should be; write it again with numpy.save(path, array)");
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        takes("L");  // as Python 2 wrote it
        return n;
    };
    bool seen[3] = {};
    auto const once = [&](std::size_t entry, std::string_view key) {
        if (std::exchange(seen[entry], true))
            fail("the header of this .npy file has " + in_quotes(key) + " twice");
    };
    need("{");
    while (!takes("}")) {
        std::string_view const key = quoted();
        need(":");
        if (key == "descr") {
            once(0, key);
            skip_spaces();
            if (text.starts_with('['))
                fail(
                    "its elements are records of several fields; save one field: numpy.save(path, array['name'])");
            std::string_view const descr = quoted();
            std::string_view const kind = descr.substr(std::min<std::size_t>(descr.size(), 1));
            auto const* const found = std::find_if(std::begin(npy_types), std::end(npy_types),
                                                   [&](npy_type const& t) { return t.descr == kind; });
            if (descr.starts_with('>') && found != std::end(npy_types))
                fail("its elements are big-endian, " + in_quotes(descr) +
                     "; save array.astype(array.dtype.newbyteorder('<')) instead");
            if (found == std::end(npy_types) ||
                std::string_view("<|=").find(descr[0]) == std::string_view::npos)
                fail("its elements are " + in_quotes(descr) +
                     ", with which this library does not compute; save array.astype('float32') instead");
            type_ = found->type;
        } else if (key == "fortran_order") {
            once(1, key);
            if (takes("True"))
                fail("its elements are in Fortran order; save numpy.ascontiguousarray(array) instead");
            need("False");
        } else if (key == "shape") {
            once(2, key);
            need("(");
            while (!takes(")")) {
                if (shape_.size() == most_axes)
                    fail("it has more than " + std::to_string(most_axes) +
                         " axes, the most that a tensor may have");
                shape_.push_back(number());
                if (!takes(",")) {
                    need(")");
                    break;
                }
            }
        } else
            fail("the header of this .npy file has an entry " + in_quotes(key) + " that is not known");
        if (!takes(",")) {
            need("}");
            break;
        }
    }
    skip_spaces();
    if (!text.empty()) fail("the header of this .npy file goes on behind its end with " + in_quotes(text));
    if (!seen[0] || !seen[1] || !seen[2])
        fail("the header of this .npy file lacks descr, fortran_order or shape; write it again with "
             "numpy.save(path, array)");
}

constexpr bool is_whole_number(stored_type type) {
    return type == stored_type::BOOL || type == stored_type::U8 || type == stored_type::I8 ||
           type == stored_type::I16 || type == stored_type::U16 || type == stored_type::I32 ||
           type == stored_type::U32 || type == stored_type::I64 || type == stored_type::U64;
}

MESHWISE_BODY void npy_file::check_fits(std::span<axis_facts const> axes, stored_type wanted) const {
    std::string there;
    for (axis_facts const& axis : axes)
        there += (there.empty() ? "" : ", ") + std::string(axis.name) +
                 (axis.size == 0 ? "" : " " + std::to_string(axis.size));
    bool fits = shape_.size() == axes.size();
    for (std::size_t i = 0; fits && i < axes.size(); ++i)
        fits = axes[i].size == 0 || axes[i].size == shape_[i];
    if (!fits)
        fail("the array is " + shape_text(shape_) + ", but the program's tensor is (" + there +
             "); name its axes in the order of the array, each with its size");
    if (type_ != wanted && !is_convertible(type_, wanted) &&
        !(wanted == stored_type::I32 && is_whole_number(type_)))
        fail("the array has elements of " + std::string(stored_name(type_)) +
             ", but the program's tensor of " + std::string(stored_name(wanted)) +
             (is_whole_number(type_) ? "; load it as mw::tensor_of<S, std::int32_t, ...>, and mw::cast that"
                                     : "; save array.astype of the type that the program has"));
}

// a whole number of any type; one that 64 bits with a sign do not hold becomes their largest
inline std::int64_t whole_number_at(stored_type type, std::byte const* at) {
    auto const as = [&]<class T>(T value) {
        std::memcpy(&value, at, sizeof value);
        return std::in_range<std::int64_t>(value) ? static_cast<std::int64_t>(value)
                                                  : std::numeric_limits<std::int64_t>::max();
    };
    switch (type) {
    case stored_type::BOOL:
    case stored_type::U8: return as(std::uint8_t{});
    case stored_type::I8: return as(std::int8_t{});
    case stored_type::I16: return as(std::int16_t{});
    case stored_type::U16: return as(std::uint16_t{});
    case stored_type::I32: return as(std::int32_t{});
    case stored_type::U32: return as(std::uint32_t{});
    case stored_type::I64: return as(std::int64_t{});
    default: return as(std::uint64_t{});
    }
}

MESHWISE_BODY void npy_file::read(state_part const& part) const {
    box const whole{std::vector<std::uint64_t>(shape_.size(), 0), shape_};
    chunk_reader from(file_, size_);
    std::vector<std::byte> scratch;
    if (type_ == part.type || is_convertible(type_, part.type))
        return read_box(part, whole, type_, data_, from, scratch);
    std::size_t const bytes = stored_bytes(type_);
    auto* const out = static_cast<std::int32_t*>(part.data);
    for_each_shared_run(part.here, whole, [&](std::uint64_t here, std::uint64_t there, std::uint64_t n) {
        for (std::uint64_t done = 0; done < n;) {
            std::uint64_t const piece = std::min<std::uint64_t>(n - done, chunk_bytes / bytes);
            scratch.resize(static_cast<std::size_t>(piece) * bytes);
            from.read(scratch.data(), scratch.size(), data_ + (there + done) * bytes);
            for (std::uint64_t i = 0; i < piece; ++i) {
                std::int64_t const number = whole_number_at(type_, scratch.data() + i * bytes);
                if (!std::in_range<std::int32_t>(number))
                    fail("element " + std::to_string(there + done + i) + " is " +
                         (number == std::numeric_limits<std::int64_t>::max() ? "above 2^63"
                                                                             : std::to_string(number)) +
                         ", which int32 does not hold; ids and counts are int32");
                out[here + done + i] = static_cast<std::int32_t>(number);
            }
            done += piece;
        }
    });
}

MESHWISE_BODY std::string npy_header(stored_type type, std::span<std::uint64_t const> shape) {
    std::string descr;
    for (npy_type const& t : npy_types)
        if (t.type == type) descr = std::string(stored_bytes(type) == 1 ? "|" : "<") + std::string(t.descr);
    std::string text = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (";
    for (std::uint64_t const extent : shape)
        text += std::to_string(extent) + (shape.size() == 1 ? "," : ", ");
    if (shape.size() > 1) text.resize(text.size() - 2);
    text += "), }";
    std::size_t const begin = npy_magic.size() + 4;
    text.append(63 - (begin + text.size()) % 64, ' ') += '\n';
    std::string header(npy_magic);
    header += {'\1', '\0', static_cast<char>(text.size() & 255U), static_cast<char>(text.size() >> 8U)};
    return header + text;
}

}  // namespace meshwise::detail
