# CUPTI is loaded at run time, so only its headers matter here; they come with the CUDA Toolkit.
find_path(HOTEXPERT_CUPTI_INCLUDE_DIR cupti_profiler_host.h
  HINTS ${CUDAToolkit_INCLUDE_DIRS} /usr/local/cuda/include /usr/local/cuda/extras/CUPTI/include ENV CUDA_HOME
  PATH_SUFFIXES include)
add_library(hotexpert_cupti_headers INTERFACE)
if(HOTEXPERT_CUPTI_INCLUDE_DIR)
  target_include_directories(hotexpert_cupti_headers SYSTEM INTERFACE "${HOTEXPERT_CUPTI_INCLUDE_DIR}")
  target_link_libraries(hotexpert_cupti_headers INTERFACE ${CMAKE_DL_LIBS})
  set(HOTEXPERT_CUPTI_SOURCES cupti_functions.cpp cupti_host.cpp cupti_library.cpp cupti_metrics.cpp cupti_ranges.cpp)
else()
  set(HOTEXPERT_CUPTI_SOURCES cupti_absent.cpp)
  message(STATUS "CUPTI: headers not found (CUDA Toolkit); profiles stay at level 0")
endif()
