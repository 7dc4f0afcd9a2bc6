"""The Conan 2 recipe of meshwise, from a checkout:  conan create packaging/conan"""
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeToolchain
from conan.tools.files import copy, load

required_conan_version = ">=2.0"


class Meshwise(ConanFile):
    name = "meshwise"
    description = "Tensors and meshes with named axes: tensor parallelism that the compiler checks"
    license = "MIT"
    topics = ("tensor", "parallelism", "training", "header-only", "c++20")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"with_tbb": [True, False], "with_eigen": [True, False]}
    default_options = {"with_tbb": True, "with_eigen": False}
    no_copy_source = True

    @property
    def _checkout(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        lists = load(self, os.path.join(self._checkout, "CMakeLists.txt"))
        self.version = re.search(r"project\(\s*meshwise\s+VERSION ([0-9.]+)", lists)[1]

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "src/*"):
            copy(self, pattern, self._checkout, self.export_sources_folder)

    def requirements(self):
        if self.options.with_tbb:
            self.requires("onetbb/[>=2021.5]", transitive_headers=True, transitive_libs=True)
        if self.options.with_eigen:
            self.requires("eigen/[>=3.4 <4]", transitive_headers=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def package_id(self):
        self.info.settings.clear()

    def generate(self):
        toolchain = CMakeToolchain(self)
        for part in ("TESTS", "EXAMPLES", "BENCHMARKS"):
            toolchain.cache_variables[f"MESHWISE_BUILD_{part}"] = False
        toolchain.cache_variables["MESHWISE_MPI"] = False
        # The consumer's dependencies come from Conan, so that none is looked for here.
        toolchain.cache_variables["MESHWISE_TBB"] = False
        toolchain.generate()

    def build(self):
        CMake(self).configure()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        # The package's own CMake files would look for dependencies outside of Conan.
        for name in ("meshwiseConfig.cmake", "meshwiseConfigVersion.cmake", "meshwiseTargets.cmake"):
            os.remove(os.path.join(self.package_folder, "lib", "cmake", "meshwise", name))

    def package_info(self):
        self.cpp_info.bindirs = self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_file_name", "meshwise")
        self.cpp_info.set_property("cmake_target_name", "meshwise::meshwise")
        self.cpp_info.set_property("cmake_build_modules", [os.path.join("lib", "cmake", "meshwise", "portable_program.cmake")])
        if self.options.with_tbb:
            self.cpp_info.requires.append("onetbb::libtbb")
        else:
            self.cpp_info.defines.append("MESHWISE_SERIAL")
        if self.options.with_eigen:
            self.cpp_info.requires.append("eigen::eigen")
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs.append("pthread")
