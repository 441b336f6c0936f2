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
endfunction()

hotexpert_add_ptxas_gate(sm90/grouped_gemm ARCH 90a MOST_REGISTERS ILi2=168,255
  NEEDS wgmma.mma_async.sync.aligned.m64n256k16,cp.async.bulk.tensor.2d,setmaxnreg.inc,mbarrier.try_wait.parity)
hotexpert_add_ptxas_gate(sm90/grouped_gemm_cluster ARCH 90a MOST_REGISTERS ILi2=168,255
  NEEDS wgmma.mma_async,multicast::cluster,mapa.shared::cluster,barrier.cluster.wait)
hotexpert_add_ptxas_gate(sm90/grouped_gemm_bulk ARCH 90a MOST_REGISTERS ILi2=168,255
  NEEDS wgmma.mma_async,stmatrix.sync.aligned.m8n8.x4,cp.async.bulk.tensor.2d.global.shared,fence.proxy.async)
hotexpert_add_ptxas_gate(sm90/grouped_gemm_traced ARCH 90a MOST_REGISTERS ILi2=168,255 NEEDS clock64,wgmma.mma_async)
hotexpert_add_ptxas_gate(grouped_mma ARCH 80 MOST_REGISTERS 255 NEEDS mma.sync.aligned.m16n8k16,ldmatrix,cp.async.cg)
hotexpert_add_ptxas_gate(wgrad_mma ARCH 80 MOST_REGISTERS 255 NEEDS mma.sync.aligned.m16n8k16,m8n8.x4.trans.shared.b16,cp.async.cg)
hotexpert_add_ptxas_gate(wgrad_plain ARCH 80 MOST_REGISTERS 64 NEEDS fma.rn.f32)
hotexpert_add_ptxas_gate(backward_elements ARCH 80 MOST_REGISTERS 64 NEEDS ld.global.nc.v4,st.global.v4)
hotexpert_add_ptxas_gate(permute ARCH 80 MOST_REGISTERS 64 NEEDS ld.global.nc.v4,st.global.v4)
