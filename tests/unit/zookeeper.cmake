foreach(name zk_url)
    house_test(zookeeper/core/${name} LINKS zookeeper_core)
endforeach()
