# cmake --install: the program with its manual page, completions and shipped scenarios, and a CMake package with the
# libraries that hold no kernels (find_package(hotexpert); hotexpert::sim, hotexpert::reports).
# cmake --build --preset release --target bundle: a tarball that runs where no package is installed.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# hotexpert-ep, where MPI was found, goes beside the program that starts it.
set(programs hotexpert)
if(TARGET hotexpert-ep)
  list(APPEND programs hotexpert-ep)
endif()
foreach(program IN LISTS programs)
  # An RPATH, not a RUNPATH: it must also find the libraries that the bundled libraries need.
  set_target_properties(${program} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
  target_link_options(${program} PRIVATE "LINKER:--disable-new-dtags")
endforeach()
install(TARGETS ${programs} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY scenarios/ DESTINATION ${CMAKE_INSTALL_DATADIR}/hotexpert/scenarios
        FILES_MATCHING PATTERN "*.toml" PATTERN "*.py" PATTERN "README.md"
        PATTERN cli EXCLUDE PATTERN runner EXCLUDE PATTERN selftest EXCLUDE PATTERN packaging EXCLUDE)
# What a kernel of one's own needs: the C header, and the examples to copy.
install(FILES kernels/plugin/hotexpert_plugin.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES kernels/plugin/example/expert_loop.c kernels/plugin/example/expert_rows.cu
        DESTINATION ${CMAKE_INSTALL_DATADIR}/hotexpert/plugin)
install(CODE "
  set(at \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}\")
  foreach(row \"man/man1/hotexpert.1|manual\" \"bash-completion/completions/hotexpert|completion;bash\"
          \"zsh/site-functions/_hotexpert|completion;zsh\" \"fish/vendor_completions.d/hotexpert.fish|completion;fish\")
    string(REPLACE \"|\" \";\" row \"\${row}\")
    list(POP_FRONT row file)
    cmake_path(GET file PARENT_PATH folder)
    file(MAKE_DIRECTORY \"\${at}/\${folder}\")
    execute_process(COMMAND \"$<TARGET_FILE:hotexpert>\" \${row} OUTPUT_FILE \"\${at}/\${file}\" COMMAND_ERROR_IS_FATAL ANY)
  endforeach()")

# --- CMake package --------------------------------------------------------------------------------
set_target_properties(hotexpert_sim PROPERTIES EXPORT_NAME sim)
set_target_properties(hotexpert_reports PROPERTIES EXPORT_NAME reports)
install(TARGETS hotexpert_sim hotexpert_reports hotexpert_options hotexpert_random123 EXPORT hotexpert
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY sim reports DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/hotexpert FILES_MATCHING PATTERN "*.hpp"
        PATTERN web EXCLUDE PATTERN measured EXCLUDE)
set(package "${CMAKE_INSTALL_LIBDIR}/cmake/hotexpert")
install(EXPORT hotexpert NAMESPACE hotexpert:: FILE hotexpertTargets.cmake DESTINATION ${package})
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/hotexpertConfig.cmake.in" "${CMAKE_BINARY_DIR}/hotexpertConfig.cmake"
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file("${CMAKE_BINARY_DIR}/hotexpertConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/hotexpertConfig.cmake" "${CMAKE_BINARY_DIR}/hotexpertConfigVersion.cmake" DESTINATION ${package})

# --- Bundle ---------------------------------------------------------------------------------------
set(HOTEXPERT_BUNDLE "${CMAKE_COMMAND}" -DBUILD=${CMAKE_BINARY_DIR} -DNAME=hotexpert-${PROJECT_VERSION}-${CMAKE_SYSTEM_PROCESSOR}
    -P "${CMAKE_CURRENT_LIST_DIR}/bundle.cmake")
add_custom_target(bundle COMMAND ${HOTEXPERT_BUNDLE} DEPENDS ${programs} hotexpert_sim hotexpert_reports USES_TERMINAL VERBATIM)
