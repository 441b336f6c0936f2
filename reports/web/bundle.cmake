# Writes OUT (web_bundle.cpp): the page's style, and the charts' script bundled from src/ with npm's ECharts.
# Runs at build time as `cmake -P`, with WEB (this folder), WORK (a folder of the build), OUT, NODE and NPM.
# Without Node or npm's packages the script is empty and `missing` says why: the page then has tables only.

set(script "")
set(missing "")
if(NOT NODE OR NOT NPM)
  set(missing "Node.js and npm were not found (on Debian: apt install nodejs npm)")
else()
  file(MAKE_DIRECTORY "${WORK}")
  file(COPY "${WEB}/package.json" "${WEB}/package-lock.json" "${WEB}/tsconfig.json" "${WEB}/src" DESTINATION "${WORK}")
  file(SHA256 "${WORK}/package-lock.json" lock)
  if(NOT EXISTS "${WORK}/installed-${lock}")
    execute_process(COMMAND "${NPM}" ci --ignore-scripts --no-audit --no-fund --loglevel=error
                    WORKING_DIRECTORY "${WORK}" RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE reason)
    if(failed)
      string(REGEX MATCH "[^\n]*" reason "${reason}")
      set(missing "npm could not install the chart library (${reason})")
    else()
      file(TOUCH "${WORK}/installed-${lock}")
    endif()
  endif()
  if(NOT missing)
    execute_process(COMMAND "${NPM}" run --silent build -- --outfile=bundle.js --log-level=error
                    WORKING_DIRECTORY "${WORK}" RESULT_VARIABLE failed ERROR_VARIABLE reason)
    if(failed)
      message(FATAL_ERROR "The report's charts do not build:\n${reason}")
    endif()
    file(READ "${WORK}/bundle.js" script)
    # esbuild keeps comments marked as legal (tslib's); the licences of ECharts and ZRender are not marked.
    set(licences "")
    foreach(file echarts/NOTICE echarts/LICENSE zrender/LICENSE)
      file(READ "${WORK}/node_modules/${file}" text)
      string(APPEND licences "${file}\n\n${text}\n")
    endforeach()
    set(script "/*!\n${licences}*/\n${script}")
  endif()
endif()
if(missing)
  message(WARNING "Reports will have tables but no charts: ${missing}. To try again, delete ${OUT} and build.")
endif()

file(READ "${WEB}/page.css" style)
string(SHA256 style_hash "${style}")
string(SHA256 script_hash "${script}")
file(WRITE "${OUT}" "// Written by reports/web/bundle.cmake.\n#include \"reports/web_bundle.hpp\"\n\nnamespace hotexpert {\n\n"
  "const WebBundle kWebBundle = {\n\"${style_hash}\",\n\"${script_hash}\",\n"
  "R\"-missing-(${missing})-missing-\",\nR\"-style-(${style})-style-\",\nR\"-script-(${script})-script-\"};\n\n}  // namespace hotexpert\n")
