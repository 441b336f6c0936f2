# NVTX is headers only and comes with the CUDA Toolkit; it needs neither nvcc nor a device.
find_path(HOTEXPERT_NVTX_INCLUDE_DIR nvtx3/nvToolsExtPayload.h
  HINTS ${CUDAToolkit_INCLUDE_DIRS} /usr/local/cuda/include ENV CUDA_HOME PATH_SUFFIXES include)
if(HOTEXPERT_NVTX_INCLUDE_DIR)
  set(HOTEXPERT_ANNOTATE_SOURCE annotate.cpp)
else()
  set(HOTEXPERT_ANNOTATE_SOURCE annotate_absent.cpp)
  message(STATUS "NVTX: headers not found (CUDA Toolkit); ranges are not emitted")
endif()
# An interface of its own, so that only the files that emit or record ranges see the headers.
add_library(hotexpert_nvtx INTERFACE)
if(HOTEXPERT_NVTX_INCLUDE_DIR)
  target_include_directories(hotexpert_nvtx SYSTEM INTERFACE "${HOTEXPERT_NVTX_INCLUDE_DIR}")
  target_link_libraries(hotexpert_nvtx INTERFACE ${CMAKE_DL_LIBS})
endif()
