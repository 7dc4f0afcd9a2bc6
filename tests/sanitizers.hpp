// Which sanitizer watches this program: a few things that are right cannot be done under one.
//   if constexpr (!under_address_sanitizer) ...   // it ends the program instead of throwing std::bad_alloc
#pragma once

#if defined(__has_feature)  // clang
inline constexpr bool under_address_sanitizer = __has_feature(address_sanitizer);
inline constexpr bool under_thread_sanitizer = __has_feature(thread_sanitizer);
#else  // g++ defines a macro or does not
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool under_address_sanitizer = true;
#else
inline constexpr bool under_address_sanitizer = false;
#endif
#ifdef __SANITIZE_THREAD__
inline constexpr bool under_thread_sanitizer = true;
#else
inline constexpr bool under_thread_sanitizer = false;
#endif
#endif
