// Bodies of io/, compiled once: see core/compiled.hpp.
#include <meshwise/io/box.inl.hpp>
#include <meshwise/io/checkpoint_folder.inl.hpp>
#include <meshwise/io/checkpoints.inl.hpp>
#include <meshwise/io/chunk_reader.inl.hpp>
#include <meshwise/io/digest.inl.hpp>
#include <meshwise/io/disk_work.inl.hpp>
#include <meshwise/io/manifest.inl.hpp>
#include <meshwise/io/npy.inl.hpp>
#include <meshwise/io/safetensors.inl.hpp>
#include <meshwise/io/shard_file.inl.hpp>
#include <meshwise/io/stored_type.inl.hpp>
#include <meshwise/io/weights.inl.hpp>
