# Writes BUILD/NAME.tar.gz: bin/hotexpert, lib/ with every library it needs but glibc's, share/doc with their copyright files.
# bin/hotexpert-ep, where it was built, takes Open MPI from the system it runs on: a job's mpirun and libmpi must be of one kind.
# Runs as `cmake -P` with BUILD (a finished build) and NAME; OUT is another folder for the tarball.
if(NOT OUT)
  set(OUT "${BUILD}")
endif()
set(root "${OUT}/bundle/${NAME}")
file(REMOVE_RECURSE "${OUT}/bundle")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${root}" --strip OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE_RECURSE "${root}/include" "${root}/lib")  # to run, not to compile against

# glibc and its loader belong to the system: mixing two breaks both.
set(system "ld-linux" "/libc[.]so" "/libm[.]so" "/libpthread[.]so" "/libdl[.]so" "/librt[.]so" "/libresolv[.]so" "/libutil[.]so" "/libmvec[.]so")
file(GET_RUNTIME_DEPENDENCIES EXECUTABLES "${BUILD}/hotexpert" RESOLVED_DEPENDENCIES_VAR libraries
     UNRESOLVED_DEPENDENCIES_VAR missing POST_EXCLUDE_REGEXES ${system})
if(missing)
  message(FATAL_ERROR "libraries that hotexpert needs were not found: ${missing}")
endif()

function(keep_copyright package)
  set(text "/usr/share/doc/${package}/copyright")
  if(EXISTS "${text}")
    configure_file("${text}" "${root}/share/doc/hotexpert/copyright/${package}" COPYONLY)
  else()
    message(WARNING "no copyright file of ${package} was found: do not pass this bundle on")
  endif()
endfunction()

foreach(library IN LISTS libraries)
  file(REAL_PATH "${library}" file)
  cmake_path(GET library FILENAME name)
  configure_file("${file}" "${root}/lib/${name}" COPYONLY)  # under the name the loader asks for
  # Debian's database may know the file with or without /usr before it.
  string(REGEX REPLACE "^/usr/" "/" short "${file}")
  execute_process(COMMAND dpkg-query -S "${file}" "/usr${short}" "${short}" OUTPUT_VARIABLE owner ERROR_QUIET)
  if(owner MATCHES "^([^:\n]+)[:,]")
    keep_copyright("${CMAKE_MATCH_1}")
  else()
    message(WARNING "${file} belongs to no package: its licence is not in the bundle")
  endif()
endforeach()
foreach(package libeigen3-dev librandom123-dev nlohmann-json3-dev libboost1.74-dev)  # compiled in
  keep_copyright("${package}")
endforeach()

execute_process(COMMAND "${CMAKE_COMMAND}" -E tar czf "${OUT}/${NAME}.tar.gz" "${NAME}" WORKING_DIRECTORY "${OUT}/bundle"
                COMMAND_ERROR_IS_FATAL ANY)
list(LENGTH libraries count)
message(STATUS "${OUT}/${NAME}.tar.gz: the program and ${count} libraries; needs glibc of this system or newer")
