# What can be said of CUDA code on a machine without a GPU: it compiles for every architecture, and ptxas has no complaints.
# hotexpert_add_ptxas_gate(sm90/grouped_gemm ARCH 90a MOST_REGISTERS 168 NEEDS ...)
function(hotexpert_add_ptxas_gate NAME)
  cmake_parse_arguments(ARG "" "ARCH;MOST_REGISTERS;NEEDS" "" ${ARGN})
  string(REPLACE "/" "_" label "${NAME}")
  add_test(NAME CudaGate.${label}_sm_${ARG_ARCH}
    COMMAND "${CMAKE_COMMAND}" -DNVCC=${CMAKE_CUDA_COMPILER} -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DFILE=kernels/cuda/${NAME}.cu
      -DARCH=${ARG_ARCH} -DMOST_REGISTERS=${ARG_MOST_REGISTERS} -DNEEDS=${ARG_NEEDS}
      -DOUT=${CMAKE_CURRENT_BINARY_DIR}/gate/${label}_${ARG_ARCH} -P "${CMAKE_CURRENT_SOURCE_DIR}/ptxas_gate.cmake")
  set_tests_properties(CudaGate.${label}_sm_${ARG_ARCH} PROPERTIES LABELS kernels TIMEOUT 300)
  set_property(GLOBAL APPEND PROPERTY HOTEXPERT_PTXAS_GATED "${NAME}")
endfunction()

# What runs on Hopper alone.
hotexpert_add_ptxas_gate(sm90/grouped_gemm ARCH 90a MOST_REGISTERS ILi2=168,255
  NEEDS wgmma.mma_async.sync.aligned.m64n256k16,cp.async.bulk.tensor.2d,setmaxnreg.inc,mbarrier.try_wait.parity)
hotexpert_add_ptxas_gate(sm90/grouped_gemm_cluster ARCH 90a MOST_REGISTERS ILi2=168,255
  NEEDS wgmma.mma_async,multicast::cluster,mapa.shared::cluster,barrier.cluster.wait)
hotexpert_add_ptxas_gate(sm90/grouped_gemm_bulk ARCH 90a MOST_REGISTERS ILi2=168,255
  NEEDS wgmma.mma_async,stmatrix.sync.aligned.m8n8.x4,cp.async.bulk.tensor.2d.global.shared,fence.proxy.async)
hotexpert_add_ptxas_gate(sm90/grouped_gemm_traced ARCH 90a MOST_REGISTERS ILi2=168,255 NEEDS clock64,wgmma.mma_async)
# What runs on both: bounds hold for the code of either.
foreach(arch 80 90a)
  hotexpert_add_ptxas_gate(grouped_mma ARCH ${arch} MOST_REGISTERS 168 NEEDS mma.sync.aligned.m16n8k16,ldmatrix,cp.async.cg)
  hotexpert_add_ptxas_gate(wgrad_mma ARCH ${arch} MOST_REGISTERS 168 NEEDS mma.sync.aligned.m16n8k16,m8n8.x4.trans.shared.b16,cp.async.cg)
  hotexpert_add_ptxas_gate(grouped_plain ARCH ${arch} MOST_REGISTERS 128 NEEDS fma.rn.f32)
  hotexpert_add_ptxas_gate(wgrad_plain ARCH ${arch} MOST_REGISTERS 64 NEEDS fma.rn.f32)
  hotexpert_add_ptxas_gate(backward_elements ARCH ${arch} MOST_REGISTERS 64 NEEDS ld.global.nc.v4,st.global.v4)
  hotexpert_add_ptxas_gate(permute ARCH ${arch} MOST_REGISTERS 64 NEEDS ld.global.nc.v4,st.global.v4)
  hotexpert_add_ptxas_gate(activation ARCH ${arch} MOST_REGISTERS 64 NEEDS ld.global,st.global)
  hotexpert_add_ptxas_gate(route ARCH ${arch} MOST_REGISTERS 64 NEEDS bar.sync)
  hotexpert_add_ptxas_gate(router_top_k ARCH ${arch} MOST_REGISTERS 64 NEEDS st.global)
  hotexpert_add_ptxas_gate(normal_fill ARCH ${arch} MOST_REGISTERS 64 NEEDS st.global)
  hotexpert_add_ptxas_gate(clock_stamp ARCH ${arch} MOST_REGISTERS 32 NEEDS globaltimer,clock64)
endforeach()

# No kernel without a gate.
file(GLOB sources RELATIVE "${CMAKE_SOURCE_DIR}/kernels/cuda" CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/kernels/cuda/*.cu"
     "${CMAKE_SOURCE_DIR}/kernels/cuda/sm90/*.cu")
get_property(gated GLOBAL PROPERTY HOTEXPERT_PTXAS_GATED)
foreach(source IN LISTS sources)
  string(REGEX REPLACE "[.]cu$" "" source "${source}")
  if(NOT source IN_LIST gated)
    message(FATAL_ERROR "kernels/cuda/${source}.cu has no gate: add hotexpert_add_ptxas_gate(${source} ...) to ${CMAKE_CURRENT_LIST_FILE}")
  endif()
endforeach()

# And the gate itself: code that spills, and products that ptxas serialises, must not pass.
function(hotexpert_add_gate_fault FAULT ARCH SENTENCE)
  add_test(NAME CudaGate.catches_${FAULT}
    COMMAND "${CMAKE_COMMAND}" -DNVCC=${CMAKE_CUDA_COMPILER} -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DFILE=tests/kernels/cuda/faults/${FAULT}.cu
      -DARCH=${ARCH} -DMOST_REGISTERS=255 -DOUT=${CMAKE_CURRENT_BINARY_DIR}/gate/${FAULT} -P "${CMAKE_CURRENT_SOURCE_DIR}/ptxas_gate.cmake")
  set_tests_properties(CudaGate.catches_${FAULT} PROPERTIES LABELS kernels TIMEOUT 120 PASS_REGULAR_EXPRESSION "${SENTENCE}")
endfunction()
hotexpert_add_gate_fault(spilled 80 "bytes spill")
hotexpert_add_gate_fault(serialised 90a "products are serialised:")
