# What `cmake --install` puts where: programs, the library with its headers and pkg-config file, completions,
# pages. A part that is not built is left out.
include(GNUInstallDirs)

foreach(daemon mesos-master mesos-agent)
    if(TARGET ${daemon})
        install(TARGETS ${daemon} RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
    endif()
endforeach()
if(TARGET mesos)
    install(TARGETS mesos RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
# Nobody calls mesos-init by hand; the agent looks for it here or beside itself.
if(TARGET mesos-init)
    install(TARGETS mesos-init RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/mesos)
endif()

if(TARGET mesos_shared)
    install(TARGETS mesos_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/mesos DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
            FILES_MATCHING PATTERN "*.h")
    # Where the file itself lies says where the rest is, so `cmake --install --prefix` is right too.
    file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
    string(REGEX REPLACE "/$" "" up "${up}")
    set(MESOS_PC_PREFIX "\${pcfiledir}/${up}")
    configure_file(${PROJECT_SOURCE_DIR}/cmake/mesos.pc.in ${PROJECT_BINARY_DIR}/mesos.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/mesos.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

if(EXISTS ${PROJECT_SOURCE_DIR}/completions/mesos.bash)
    install(FILES ${PROJECT_SOURCE_DIR}/completions/mesos.bash RENAME mesos
            DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
endif()
if(EXISTS ${PROJECT_SOURCE_DIR}/completions/_mesos)
    install(FILES ${PROJECT_SOURCE_DIR}/completions/_mesos
            DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endif()

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
