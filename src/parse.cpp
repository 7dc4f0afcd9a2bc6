// Bodies of parse/, compiled once: see core/compiled.hpp.
#include <meshwise/parse/input_file.inl.hpp>
#include <meshwise/parse/json.inl.hpp>
#include <meshwise/parse/json_cursor.inl.hpp>
#include <meshwise/parse/json_members.inl.hpp>
#include <meshwise/parse/text_decoder.inl.hpp>
#include <meshwise/parse/utf8.inl.hpp>
