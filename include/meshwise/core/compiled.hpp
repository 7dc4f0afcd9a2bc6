// compiled: where the bodies of functions stand that are no templates over the user's types.
//   By default in every program that includes the header: `name.hpp` includes `name.inl.hpp` at its end.
//   With MESHWISE_COMPILED defined, as the target meshwise::compiled does, in a library that is compiled once.
// Guarantees: the same headers, the same bodies and, with the same compiler options, the same bits either way. Kernels for
// other element types than those of src/kernels.hpp are missing at link time; a program that needs one includes the
// .inl.hpp file that defines it.
// Costs: header-only, every program parses and compiles the bodies that it includes.
#pragma once

// Before the definition of such a function in an .inl.hpp file, and before the declaration of one that is virtual: where a
// class has a virtual function that is not inline in the class, g++ emits all of its virtual functions, and what these call,
// in every program that includes the header.
#if defined(MESHWISE_COMPILED)
#define MESHWISE_BODY
#else
#define MESHWISE_BODY inline
#endif
