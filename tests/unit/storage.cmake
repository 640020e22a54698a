house_test(common/storage/storage LINKS storage)
