// Bodies of communicator/, compiled once: see core/compiled.hpp.
#include <meshwise/communicator/agree.inl.hpp>
#include <meshwise/communicator/call.inl.hpp>
#include <meshwise/communicator/concept.inl.hpp>
#include <meshwise/communicator/grid.inl.hpp>
#include <meshwise/communicator/one_rank.inl.hpp>
#include <meshwise/communicator/simulated.inl.hpp>
#include <meshwise/communicator/start_thread.inl.hpp>
#include <meshwise/communicator/threads.inl.hpp>
