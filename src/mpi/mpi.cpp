// Bodies of communicator/mpi, compiled once: see core/compiled.hpp.
#include <meshwise/communicator/mpi.inl.hpp>
