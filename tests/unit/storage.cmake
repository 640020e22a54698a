house_test(common/storage/batch LINKS storage)
house_test(common/storage/held LINKS storage)
house_test(common/storage/storage LINKS storage)
